import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { WriteBehind } from "./write-behind.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "berth-write-behind-"));
});
after(async () => await rm(directory, { recursive: true, force: true }));

test("chunks of all sizes come into the file in their order, and what is told grows up to their sum", async () => {
  const path = join(directory, "ordered");
  const chunks = Array.from({ length: 300 }, (_, index) => randomBytes(index % 7 === 0 ? 100_000 : index * 3));
  const told: number[] = [];
  await using file = await open(path, "a");
  const writer = new WriteBehind(file, (bytes) => told.push(bytes));
  for (const chunk of chunks) await writer.write(chunk);
  await writer.flush();
  assert.ok((await readFile(path)).equals(Buffer.concat(chunks)));
  assert.deepEqual(
    told,
    told.toSorted((a, b) => a - b),
  );
  assert.equal(told.at(-1), Buffer.concat(chunks).length);
  assert.ok(told.length < chunks.length / 2, `${told.length} writes`);
});

test("a few bytes come into the file though no more follow", async () => {
  const path = join(directory, "few");
  await using file = await open(path, "a");
  const written = Promise.withResolvers<number>();
  const writer = new WriteBehind(file, written.resolve);
  await writer.write(Buffer.from("few"));
  assert.equal(await written.promise, 3);
  assert.equal(await readFile(path, "utf8"), "few");
  await writer.flush();
});

test("a write that fails is told by the next one or by the end", async () => {
  const path = join(directory, "read-only");
  await writeFile(path, "");
  await using file = await open(path, "r");
  const writer = new WriteBehind(file, () => assert.fail("nothing was written"));
  await writer.write(Buffer.from("x"));
  await assert.rejects(writer.flush(), { code: "EBADF" });
  await assert.rejects(writer.write(Buffer.from("y")), { code: "EBADF" });
});
