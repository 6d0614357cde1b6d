// Compiles `src` to JavaScript with declarations in `dist`: Node refuses TypeScript below `node_modules`.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { fail } from "./fail.mjs";
import { setUp } from "./set-up.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { node } = setUp();
rmSync(join(root, "dist"), { recursive: true, force: true });
const compiler = join(root, "node_modules/typescript/bin/tsc");
const { status } = spawnSync(node, [compiler, "-p", "tsconfig.build.json"], { cwd: root, stdio: ["ignore", 2, 2] });
if (status !== 0) fail("Cannot build: the types do not hold, see above");
for (const name of readdirSync(join(root, "src"), { recursive: true })) {
  if (name.endsWith(".json")) cpSync(join(root, "src", name), join(root, "dist", name));
}
