import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { WorkQueue } from "./work-queue.ts";

test("a key added several times before its work is worked on once", async () => {
  const { queue, worked, settle } = start();
  for (const key of ["a", "b", "a"]) queue.add(key);
  assert.equal(queue.length, 2);
  await settle();
  assert.deepEqual(worked, ["a", "b"]);
});

test("a key added during its work is worked on again afterwards, never twice at a time", async () => {
  let running = 0;
  let most = 0;
  const { queue, worked, settle } = start(async (key) => {
    most = Math.max(most, ++running);
    if (worked.length === 1) for (const again of [key, key]) queue.add(again);
    await delay(5);
    running--;
  }, 4);
  queue.add("a");
  await settle();
  assert.deepEqual([worked, most], [["a", "a"], 1]);
});

test("different keys are worked on at once, up to the concurrency", async () => {
  let running = 0;
  let most = 0;
  const { queue, settle } = start(async () => {
    most = Math.max(most, ++running);
    await delay(5);
    running--;
  }, 3);
  for (const key of "abcdefgh") queue.add(key);
  await settle();
  assert.equal(most, 3);
});

test("a key whose work throws comes back until it succeeds, and the error is told", async () => {
  const errors: string[] = [];
  const { queue, worked, settle } = start(
    async () => {
      await Promise.resolve();
      if (worked.length < 3) throw new Error(`try ${worked.length}`);
    },
    1,
    (key, error) => errors.push(`${key}: ${(error as Error).message}`),
  );
  queue.add("a");
  await settle(200);
  assert.deepEqual([worked.length, errors], [3, ["a: try 1", "a: try 2"]]);
});

test("of several waits for one key the shortest counts, and it is worked on once", async () => {
  const { queue, worked, settle } = start();
  queue.addAfter("a", 10_000);
  queue.addAfter("a", 5);
  queue.addAfter("a", 20);
  await settle(60);
  assert.deepEqual(worked, ["a"]);
});

test("a queue that is shut down finishes what is under way and starts nothing more", async () => {
  const controller = new AbortController();
  const queue = new WorkQueue();
  const worked: string[] = [];
  const running = queue.run(
    async (key, signal) => {
      await delay(20);
      worked.push(`${key} ${signal.aborted}`);
    },
    { signal: controller.signal },
  );
  for (const key of ["a", "b"]) queue.add(key);
  controller.abort();
  await running;
  queue.add("c");
  await delay(30);
  assert.deepEqual(worked, ["a true"]);
});

test("a queue told to run with an aborted signal ends at once", async () => {
  await new WorkQueue().run(() => Promise.resolve(), { signal: AbortSignal.abort() });
});

interface Started {
  readonly queue: WorkQueue;
  readonly worked: string[];
  readonly settle: (ms?: number) => Promise<void>;
}

function start(
  work: (key: string) => Promise<void> = () => Promise.resolve(),
  concurrency = 1,
  onError: (key: string, error: unknown) => void = () => {},
): Started {
  const queue = new WorkQueue({ onError });
  const worked: string[] = [];
  const controller = new AbortController();
  // Runs from the next turn on, so that a test can queue several keys first.
  const running = Promise.resolve().then(() =>
    queue.run(
      async (key) => {
        worked.push(key);
        await work(key);
      },
      { signal: controller.signal, concurrency },
    ),
  );
  const settle = async (ms = 40): Promise<void> => {
    await delay(ms);
    controller.abort();
    await running;
  };
  return { queue, worked, settle };
}
