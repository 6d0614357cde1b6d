import assert from "node:assert/strict";
import { test } from "node:test";

import type { Clock } from "./clock.ts";
import { backoffDelay, retry } from "./retry.ts";

function recordingClock(): { readonly clock: Clock; readonly sleeps: number[] } {
  const sleeps: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms) => {
      sleeps.push(ms);
      return Promise.resolve();
    },
  };
  return { clock, sleeps };
}

test("retry waits longer after each failure and returns the first success", async () => {
  const { clock, sleeps } = recordingClock();
  const result = await retry(
    (attempt) => (attempt < 3 ? Promise.reject(new Error("busy")) : Promise.resolve(attempt)),
    { attempts: 5, initialMs: 10, maxMs: 25, clock },
  );
  assert.equal(result, 3);
  assert.deepEqual(sleeps, [10, 20, 25]);
});

test("retry throws the last error when the attempts are used up", async () => {
  const { clock } = recordingClock();
  let calls = 0;
  const task = () => Promise.reject(new Error(`failure ${++calls}`));
  await assert.rejects(retry(task, { attempts: 2, initialMs: 1, maxMs: 1, clock }), /failure 2/);
});

test("retry does not repeat what is not retryable", async () => {
  let calls = 0;
  const task = () => {
    calls++;
    return Promise.reject(new Error("denied"));
  };
  await assert.rejects(retry(task, { attempts: 9, initialMs: 1, maxMs: 1, isRetryable: () => false }), /denied/);
  assert.equal(calls, 1);
});

test("backoffDelay adds at most the jitter", () => {
  for (let i = 0; i < 100; i++) {
    const delay = backoffDelay(1, { initialMs: 100, maxMs: 1000, jitter: 0.5 });
    assert.ok(delay >= 200 && delay <= 300, String(delay));
  }
});
