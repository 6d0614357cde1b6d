import assert from "node:assert/strict";
import { appendFileSync, closeSync, openSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setImmediate } from "node:timers/promises";

import { ArrivingBlob } from "./arriving-blob.ts";

let directory: string;
let path: string;
let fd: number;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "berth-arriving-"));
  path = join(directory, "blob");
  writeFileSync(path, "");
  fd = openSync(path, "r");
});
afterEach(() => {
  closeSync(fd);
  rmSync(directory, { recursive: true });
});

async function textOf(blob: ArrivingBlob): Promise<string> {
  let text = "";
  for await (const chunk of blob.chunks()) text += chunk.toString();
  return text;
}

test("a blob is read as far as it has come, and on when more is told, once or twice or late", async () => {
  const blob = new ArrivingBlob({ fd, size: 9, available: 0, onStarving: () => {} });
  const reading = textOf(blob);
  let told = 0;
  for (const part of ["one", "two", "six"]) {
    appendFileSync(path, part);
    told += part.length;
    for (const word of [told, told, told - 1]) {
      blob.advance(word);
      await setImmediate();
      await setImmediate();
    }
  }
  assert.equal(await reading, "onetwosix");
});

test("bytes are not read before they are told", async () => {
  writeFileSync(path, "abcdef");
  const blob = new ArrivingBlob({ fd, size: 6, available: 2, onStarving: () => {} });
  const chunks = blob.chunks()[Symbol.asyncIterator]();
  assert.equal(String((await chunks.next()).value), "ab");
  const next = chunks.next();
  blob.advance(6);
  assert.equal(String((await next).value), "cdef");
});

test("it is said where bytes stay away", async () => {
  writeFileSync(path, "abc");
  const starved = Promise.withResolvers<number>();
  const blob = new ArrivingBlob({ fd, size: 6, available: 3, onStarving: starved.resolve });
  const reading = textOf(blob);
  assert.equal(await starved.promise, 3);
  appendFileSync(path, "def");
  blob.advance(6);
  assert.equal(await reading, "abcdef");
});

test("a file that is shorter than told is refused", async () => {
  writeFileSync(path, "abc");
  await assert.rejects(textOf(new ArrivingBlob({ fd, size: 6, available: 6, onStarving: () => {} })), {
    code: "LAYER_INVALID",
  });
});
