// `npm run quickstart`: prepares the machine, then runs quickstart.ts under Node 24.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { fail } from "./fail.mjs";
import { setUp } from "./set-up.mjs";

if (process.platform !== "linux")
  fail("Cannot run the quickstart: containers need Linux", ["Run it in a virtual machine"]);
if (process.getuid() !== 0) {
  fail("Cannot run the quickstart: running containers needs root", ["sudo npm run quickstart"]);
}
const startedAt = performance.now();
const { node, installed } = setUp();
const preparedMs = Math.round(performance.now() - startedAt);
const script = fileURLToPath(new URL("quickstart.ts", import.meta.url));
const facts = JSON.stringify({ installed, preparedMs });
const child = spawn(node, [script, ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, QUICKSTART_FACTS: facts },
});
// The terminal sends Ctrl-C to both; the one below cleans up.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => child.kill("SIGTERM"));
child.on("exit", (code) => process.exit(code ?? 1));
