import assert from "node:assert/strict";
import { test } from "node:test";
import { EventNameSuffixes } from "./event-name-suffixes.ts";

test("suffixes of one millisecond keep the order they were given in, and stay within it", () => {
  const suffixes = new EventNameSuffixes();
  const at = Date.parse("2026-01-01T00:00:00.123Z");
  const given = Array.from({ length: 400 }, () => suffixes.next(at));
  assert.deepEqual(given.toSorted(), given);
  assert.equal(new Set(given).size, 400);
  const later = suffixes.next(at + 1);
  assert.ok(given.every((suffix) => suffix < later));
  assert.match(later, /^[0-9a-f]{16}$/);
});

test("two recorders rarely choose the same suffix", () => {
  const given = Array.from({ length: 20 }, () => new EventNameSuffixes().next(1_700_000_000_000));
  assert.ok(new Set(given).size > 10);
});
