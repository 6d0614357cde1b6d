import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLogger } from "../../base/log.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { collectImages } from "./collect-images.ts";
import { DEFAULT_IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from "./image-garbage-policy.ts";

const MINUTE = 60_000;

/** Looks at images whose collection fails while `failure` says why; time moves when told. */
function startCollecting(policy: Partial<ImageGarbagePolicy> = {}) {
  const clock = new ManualClock();
  const stop = new AbortController();
  const warnings: string[] = [];
  const state = { isReady: false, looks: 0, failure: "" };
  const running = collectImages({
    garbage: {
      collect: () => {
        state.looks++;
        return state.failure === "" ? Promise.resolve() : Promise.reject(new Error(state.failure));
      },
    },
    policy: { ...DEFAULT_IMAGE_GARBAGE_POLICY, ...policy },
    isReady: () => state.isReady,
    nodeEvents: { warning: (reason, message) => void warnings.push(`${reason}: ${message}`) },
    clock,
    logger: silentLogger,
    signal: stop.signal,
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { state, warnings, pass, running, stop };
}

test("images are looked at once the pods are known, then every five minutes", async () => {
  const { state, pass, running, stop } = startCollecting();
  await pass(5 * MINUTE);
  assert.equal(state.looks, 0);
  state.isReady = true;
  await pass(1000);
  assert.equal(state.looks, 1);
  await pass(5 * MINUTE - 1);
  assert.equal(state.looks, 1);
  await pass(1);
  assert.equal(state.looks, 2);
  stop.abort();
  await running;
});

test("the second failure in a row is told, one alone is not", async () => {
  const { state, warnings, pass, running, stop } = startCollecting();
  state.isReady = true;
  for (const failure of ["one", "", "two", "three", "four", "", "five"]) {
    state.failure = failure;
    await pass(5 * MINUTE);
  }
  assert.deepEqual(warnings, ["ImageGCFailed: three", "ImageGCFailed: four"]);
  stop.abort();
  await running;
});

test("a high threshold of 100 without a maximum age switches collection off", async () => {
  const { state, running } = startCollecting({ highThresholdPercent: 100 });
  state.isReady = true;
  await running;
  assert.equal(state.looks, 0);
});
