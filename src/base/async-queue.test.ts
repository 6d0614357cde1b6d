import assert from "node:assert/strict";
import { test } from "node:test";

import { AsyncQueue, QueueOverflowError } from "./async-queue.ts";

test("a queue gives its reader every item in order, then the end", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  const read = Array.fromAsync(queue);
  queue.push(2);
  queue.close();
  assert.deepEqual(await read, [1, 2]);
});

test("a reader that waits gets an item as soon as it is pushed", async () => {
  const queue = new AsyncQueue<string>();
  const next = queue.next();
  queue.push("a");
  assert.deepEqual(await next, { value: "a", done: false });
});

test("a full queue refuses the next item", () => {
  const queue = new AsyncQueue<number>(1);
  queue.push(1);
  assert.throws(() => queue.push(2), QueueOverflowError);
});

test("a failed queue gives what is left, then the error", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.fail(new Error("gone"));
  assert.deepEqual(await queue.next(), { value: 1, done: false });
  await assert.rejects(queue.next(), /gone/);
});

test("leaving the loop closes the queue", async () => {
  const queue = new AsyncQueue<number>();
  queue.push(1);
  queue.push(2);
  for await (const _item of queue) break;
  assert.equal(queue.isClosed, true);
  assert.equal(queue.length, 0);
});
