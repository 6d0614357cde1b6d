import assert from "node:assert/strict";
import { test } from "node:test";

import { medianOf, timesOf } from "./measurement.ts";

test("medianOf is the middle value, or the mean of the middle two", () => {
  assert.deepEqual([medianOf([3, 1, 2]), medianOf([4, 1, 3, 2]), medianOf([5])], [2, 2.5, 5]);
  assert.throws(() => medianOf([]), RangeError);
});

test("timesOf counts the runs and not what comes after them", async () => {
  const pause = async (ms: number) => await new Promise<void>((resolve) => setTimeout(resolve, ms));
  const times = await timesOf(
    3,
    async () => await pause(5),
    async () => await pause(300),
  );
  assert.equal(times.length, 3);
  assert.ok(times.every((time) => time >= 4 && time < 250));
});
