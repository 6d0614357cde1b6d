// `npm run soak [ROUNDS]`: the scenarios of kills and restarts over and over, which find what shows once in a hundred, and the
// comparisons with other programs over many more inputs. Ends at the first failure and says in which round.
import { spawnSync } from "node:child_process";
import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { setUp } from "./set-up.mjs";

const ROUNDS = Number(process.argv[2] ?? 20);
const root = fileURLToPath(new URL("..", import.meta.url));
const { node } = setUp();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}`, BERTH_FUZZ_RUNS: "2000" };
run("comparisons", "src/**/*.real.test.ts");
for (let round = 1; round <= ROUNDS; round++) run(`round ${round} of ${ROUNDS}`, "test/integration/*survival.test.ts");

function run(name, files) {
  console.log(`\n== ${name}`);
  const args = ["--test", "--test-concurrency=1", "--test-timeout=1800000", files];
  const { status } = spawnSync(node, args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
