import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { test } from "node:test";

import { KeyedMutex } from "./keyed-mutex.ts";

test("tasks of one key run one after another, in the order they came", async () => {
  const mutex = new KeyedMutex();
  const log: string[] = [];
  const task = (name: string) => async () => {
    log.push(`${name} starts`);
    await delay(2);
    log.push(`${name} ends`);
  };
  await Promise.all([mutex.run("k", task("a")), mutex.run("k", task("b"))]);
  assert.deepEqual(log, ["a starts", "a ends", "b starts", "b ends"]);
});

test("tasks of different keys do not wait for one another", async () => {
  const mutex = new KeyedMutex();
  const blocked = Promise.withResolvers<void>();
  const first = mutex.run("a", () => blocked.promise);
  assert.equal(await mutex.run("b", () => Promise.resolve("done")), "done");
  blocked.resolve();
  await first;
});

test("a task that throws lets the next one in", async () => {
  const mutex = new KeyedMutex();
  await assert.rejects(
    mutex.run("k", () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await mutex.run("k", () => Promise.resolve(1)), 1);
});
