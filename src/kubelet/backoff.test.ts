import assert from "node:assert/strict";
import { test } from "node:test";

import { Backoff } from "./backoff.ts";
import { ManualClock } from "./testing/manual-clock.ts";

test("waits double from the first to the longest", () => {
  const clock = new ManualClock();
  const backoff = new Backoff(clock, { initialMs: 10_000, maxMs: 300_000 });
  const waits: number[] = [];
  for (let failure = 0; failure < 7; failure++) {
    backoff.next("k", clock.now());
    waits.push(backoff.waitMs("k"));
    clock.advance(backoff.waitMs("k"));
  }
  assert.deepEqual(waits, [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
});

test("a wait ends on the clock and keys do not share it", () => {
  const clock = new ManualClock();
  const backoff = new Backoff(clock, { initialMs: 10_000, maxMs: 300_000 });
  backoff.next("a", clock.now());
  assert.equal(backoff.endsAtSinceUpdate("a"), clock.now() + 10_000);
  assert.equal(backoff.endsAtSinceUpdate("b"), undefined);
  clock.advance(10_000);
  assert.equal(backoff.endsAtSinceUpdate("a"), undefined);
});

test("a key that was quiet for twice the longest wait starts anew", () => {
  const clock = new ManualClock();
  const backoff = new Backoff(clock, { initialMs: 10_000, maxMs: 300_000 });
  backoff.next("k", clock.now());
  backoff.next("k", clock.now());
  clock.advance(600_001);
  assert.equal(backoff.endsAt("k", clock.now()), undefined);
  backoff.next("k", clock.now());
  assert.equal(backoff.waitMs("k"), 10_000);
});

test("forget ends the wait of every key with a prefix", () => {
  const clock = new ManualClock();
  const backoff = new Backoff(clock, { initialMs: 10_000, maxMs: 300_000 });
  backoff.next("pod1_image", clock.now());
  backoff.next("pod2_image", clock.now());
  backoff.forget("pod1_");
  assert.deepEqual([backoff.waitMs("pod1_image"), backoff.waitMs("pod2_image")], [0, 10_000]);
});
