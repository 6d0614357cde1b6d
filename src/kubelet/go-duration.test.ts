import assert from "node:assert/strict";
import { test } from "node:test";

import { formatGoDuration } from "./go-duration.ts";

test("formatGoDuration prints time spans as Go does", () => {
  const spans = [0, 0.4, 250, 1000, 1234, 10_000, 40_000, 80_000, 300_000, 3_661_500];
  assert.deepEqual(spans.map(formatGoDuration), [
    "0s",
    "0s",
    "250ms",
    "1s",
    "1.234s",
    "10s",
    "40s",
    "1m20s",
    "5m0s",
    "1h1m1.5s",
  ]);
});
