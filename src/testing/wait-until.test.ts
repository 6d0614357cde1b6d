import assert from "node:assert/strict";
import { test } from "node:test";

import { waitUntil } from "./wait-until.ts";

test("waitUntil returns the first answer that is neither undefined nor false", async () => {
  const answers = [undefined, false, "found"] as const;
  let looks = 0;
  const found = await waitUntil("an answer", () => answers[looks++], { intervalMs: 1 });
  assert.deepEqual([found, looks], ["found", 3]);
});

test("waitUntil names what it waited for and keeps the last error", async () => {
  const cause = new Error("the last look");
  const waiting = waitUntil("a thing", () => Promise.reject(cause), { timeoutMs: 5, intervalMs: 1 });
  await assert.rejects(waiting, { message: "a thing: not within 5 ms", cause });
});
