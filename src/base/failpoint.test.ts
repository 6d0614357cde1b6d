import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

const program = `
  const { failpoint } = await import(${JSON.stringify(new URL("failpoint.ts", import.meta.url).href)});
  for (let i = 0; i < 4; i++) {
    try { await failpoint("disk.write"); console.log("passed"); } catch (error) { console.log(error.code); }
  }
`;

function runArmed(failpoints: string): {
  readonly stdout: string;
  readonly stderr: string;
  readonly signal: string | null;
} {
  return spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    env: { ...process.env, BERTH_FAILPOINTS: failpoints },
    encoding: "utf8",
  });
}

test("an unarmed failpoint does nothing", () => {
  assert.equal(runArmed("other=kill").stdout, "passed\npassed\npassed\npassed\n");
});

test("terms are used up one after another and each firing is announced", () => {
  const { stdout, stderr } = runArmed("disk.write=1*off->2*error(ENOSPC)");
  assert.equal(stdout, "passed\nENOSPC\nENOSPC\npassed\n");
  assert.equal(stderr, "failpoint disk.write error\nfailpoint disk.write error\n");
});

test("kill ends the process at the point", () => {
  const { stdout, signal } = runArmed("disk.write=1*off->kill");
  assert.equal(stdout, "passed\n");
  assert.equal(signal, "SIGKILL");
});
