import assert from "node:assert/strict";
import { test } from "node:test";

import { acquireOrAbort } from "./acquire-or-abort.ts";
import { KeyedMutex } from "./keyed-mutex.ts";

test("an abort ends the wait, and the lock goes on to the next", async () => {
  const mutex = new KeyedMutex();
  const held = await mutex.acquire("key");
  const abort = new AbortController();
  const waiting = acquireOrAbort(mutex, "key", abort.signal);
  const next = acquireOrAbort(mutex, "key", undefined);
  abort.abort(new Error("stop"));
  await assert.rejects(waiting, /stop/);
  await held[Symbol.asyncDispose]();
  await using _lock = await next;
  await assert.rejects(acquireOrAbort(mutex, "key", abort.signal), /stop/);
});
