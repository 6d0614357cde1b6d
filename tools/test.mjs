// `npm test`: prepares the machine, checks, and runs the scenarios with the real parts.
import { spawnSync } from "node:child_process";
import { dirname, delimiter } from "node:path";
import { fileURLToPath } from "node:url";

import { setUp } from "./set-up.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { node } = setUp();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
step("check", ["tools/check.mjs"]);
step("real parts", ["--test", "--test-concurrency=1", "--test-timeout=120000", "src/**/*.real.test.ts"]);
step("integration", ["--test", "--test-concurrency=1", "--test-timeout=300000", "test/integration/**/*.test.ts"]);

function step(name, args) {
  console.log(`\n== ${name}`);
  const { status } = spawnSync(node, args, { cwd: root, env, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
