import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { capabilitiesOf } from "./capabilities.ts";

const skip = process.getuid?.() === 0 ? false : "needs root: capabilities to give up";

test("what was given up is gone, what was kept works", { skip }, () => {
  const script = `
    import { chownSync, readFileSync, mkdtempSync, rmdirSync } from "node:fs";
    import { dropCapabilities } from ${JSON.stringify(new URL("drop-capabilities.ts", import.meta.url).href)};
    import { chroot } from ${JSON.stringify(new URL("filesystem.ts", import.meta.url).href)};
    dropCapabilities(["CAP_CHOWN"]);
    const directory = mkdtempSync("/tmp/berth-capabilities-");
    chownSync(directory, 1, 1);
    rmdirSync(directory);
    let code = "none";
    try { chroot("/"); } catch (error) { code = error.code; }
    console.log(JSON.stringify([code, /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/thread-self/status", "utf8"))[1]]));
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(stderr, "");
  const [code, mask] = JSON.parse(stdout) as [string, string];
  assert.equal(code, "EPERM");
  assert.deepEqual(capabilitiesOf(mask), new Set(["CAP_CHOWN"]));
});
