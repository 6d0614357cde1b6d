// Everything that can be checked without starting a cluster, in seconds: types, lint, format, rooms, dead code, unit tests.
// `--fix` formats and mends what the linter can.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { fail } from "./fail.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const fix = process.argv.includes("--fix");

/** Steps of a group run at once; the tests come last, for themselves, since they measure time. */
const GROUPS = [
  [
    { name: "types", command: ["tsc", "-p", "."] },
    { name: "lint", command: ["oxlint", "--type-aware", "--quiet", ...(fix ? ["--fix"] : [])] },
    { name: "format", command: ["oxfmt", ...(fix ? [] : ["--check"]), "."] },
    { name: "rooms", command: ["node", "tools/rooms.ts"] },
    { name: "generated", command: ["node", "tools/generate-api-types.ts", "--check"] },
    { name: "seeds", command: ["node", "tools/seeds.ts", "--check"] },
    { name: "dead code", command: ["knip", "--no-progress"] },
  ],
  [1, 2].map((shard) => ({ name: `unit tests ${shard}/2`, command: unitTests(shard) })),
];

if (!existsSync(join(bin, "tsc"))) fail("Cannot check: the npm packages are not installed", ["node tools/set-up.mjs"]);
const failed = [];
for (const group of GROUPS) {
  const results = await Promise.all(group.map(run));
  failed.push(...results.filter((result) => !result.isGood));
}
for (const { name, output } of failed) process.stdout.write(`\n--- ${name}\n${output}`);
process.exit(failed.length === 0 ? 0 : 1);

/** All files of a shard in one process: a process for each would take longer to start than to run. */
function unitTests(shard) {
  const how = ["--test-isolation=none", `--test-shard=${shard}/2`, "--test-timeout=60000", "--test-reporter=dot"];
  // Tests with real parts, which take longer, are `*.real.test.ts`: `npm test` runs them.
  return ["node", "--test", ...how, "{src,bench}/**/!(*.real).test.ts"];
}

async function run({ name, command: [program, ...args] }) {
  const startedAt = performance.now();
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, FORCE_COLOR: "0" };
  const child = spawn(program, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const code = await new Promise((resolve) => {
    child.once("error", (error) => {
      output += error.message;
      resolve(1);
    });
    child.once("close", resolve);
  });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  process.stdout.write(` ${code === 0 ? "✓" : "✗"} ${name.padEnd(14)} ${seconds.padStart(6)} s\n`);
  return { name, output, isGood: code === 0 };
}
