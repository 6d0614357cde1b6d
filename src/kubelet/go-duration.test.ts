import assert from "node:assert/strict";
import { test } from "node:test";

import { formatGoDuration, parseGoDuration } from "./go-duration.ts";

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

test("parseGoDuration reads time spans as Go does", () => {
  const spans = ["0", "0s", "2m0s", "1h2m3.5s", "300ms", "1.5h", ".5s", "1.s", "-1s", "+1s", "1500us"];
  assert.deepEqual(spans.map(parseGoDuration), [0, 0, 120_000, 3_723_500, 300, 5_400_000, 500, 1000, -1000, 1000, 1.5]);
  for (const text of ["", "1", "5 m", "m", "1d", "s1", "1s2", "--1s", ".s", "1e3s", "2m0s "]) {
    assert.equal(parseGoDuration(text), undefined, text);
  }
});
