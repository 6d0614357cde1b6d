import assert from "node:assert/strict";
import { text } from "node:stream/consumers";
import { test } from "node:test";

import { spawnPiped } from "./spawn-piped.ts";

test("spawnPiped carries input, both outputs and the exit code", async () => {
  const child = await spawnPiped(["sh", "-c", "tr a-z A-Z; echo problem >&2; exit 4"]);
  child.stdin.end("x".repeat(200_000));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), child.exited]);
  assert.deepEqual([stdout, stderr, status.exitCode], ["X".repeat(200_000), "problem\n", 4]);
});

test("spawnPiped of a missing program throws NOT_FOUND", async () => {
  await assert.rejects(spawnPiped(["/no/such/program"]), { code: "NOT_FOUND" });
});
