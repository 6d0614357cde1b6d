import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../testing/manual-clock.ts";
import { PullRate } from "./pull-rate.ts";

const NEVER = new AbortController().signal;

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("so many attempts may come at once, the others follow at the rate", async () => {
  const clock = new ManualClock();
  const rate = new PullRate(clock, { perSecond: 2, burst: 2 });
  let made = 0;
  const attempt = () => void rate.take(NEVER).then(() => made++);
  for (let count = 0; count < 4; count++) attempt();
  const madeAfter = async (ms: number) => {
    clock.advance(ms);
    await turn();
    return made;
  };
  assert.deepEqual(
    [await madeAfter(0), await madeAfter(499), await madeAfter(1), await madeAfter(499), await madeAfter(1)],
    [2, 2, 3, 3, 4],
  );
  await madeAfter(60_000);
  for (let count = 0; count < 3; count++) attempt();
  assert.deepEqual([await madeAfter(0), await madeAfter(500)], [6, 7]);
});

test("without a rate nothing waits", async () => {
  const rate = new PullRate(new ManualClock(), { perSecond: 0, burst: 0 });
  await Promise.all(Array.from({ length: 100 }, async () => await rate.take(NEVER)));
});

test("who waits can give up", async () => {
  const rate = new PullRate(new ManualClock(), { perSecond: 1, burst: 0 });
  await rate.take(NEVER);
  const given = new AbortController();
  const waiting = assert.rejects(rate.take(given.signal), /nobody needs it/);
  given.abort(new Error("nobody needs it"));
  await waiting;
});
