import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { checkedPath, type Payload, projectKeys } from "./payload.ts";
import { writePayload } from "./write-payload.ts";

function payload(files: Readonly<Record<string, string>>, mode = 0o644): Payload {
  return new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));
}

async function volume(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "volume-"));
  t.after(() => rm(directory, { recursive: true }));
  return join(directory, "volume");
}

test("a volume holds the payload with its modes", async (t) => {
  const directory = await volume(t);
  await writePayload(directory, payload({ a: "one", "deep/er/b": "two" }, 0o400));
  assert.equal(await readFile(join(directory, "a"), "utf8"), "one");
  assert.equal(await readFile(join(directory, "deep/er/b"), "utf8"), "two");
  assert.equal((await stat(join(directory, "a"))).mode & 0o777, 0o400);
});

test("a changed payload replaces all files and leaves nothing behind", async (t) => {
  const directory = await volume(t);
  await writePayload(directory, payload({ a: "one", gone: "x" }));
  await writePayload(directory, payload({ a: "new", added: "y" }));
  assert.equal(await readFile(join(directory, "a"), "utf8"), "new");
  const names = (await readdir(directory)).toSorted();
  assert.deepEqual(
    names.filter((name) => !/^\.\.[0-9a-f]{16}\./.test(name)),
    ["..data", "a", "added"],
  );
  assert.equal(names.length, 4);
});

test("the same payload again changes nothing", async (t) => {
  const directory = await volume(t);
  await writePayload(directory, payload({ a: "one" }));
  const before = await readlink(join(directory, "..data"));
  await writePayload(directory, payload({ a: "one" }));
  assert.equal(await readlink(join(directory, "..data")), before);
});

test("an empty payload makes an empty volume", async (t) => {
  const directory = await volume(t);
  await writePayload(directory, payload({}));
  assert.deepEqual(
    (await readdir(directory)).filter((name) => !name.startsWith("..")),
    [],
  );
});

test("a path that leaves the volume or hides its bookkeeping is refused", () => {
  for (const path of ["", "/a", "..", "../a", "a/../b", "a//b", "./a", "..data", "a/.", "a\0b"]) {
    assert.throws(() => checkedPath(path), RangeError, path);
  }
});

test("projectKeys takes all keys, or those that items name", () => {
  const data = new Map([
    ["a", Buffer.from("1")],
    ["b", Buffer.from("2")],
  ]);
  const rules = { defaultMode: 0o644, optional: false, subject: "ConfigMap default/c" };
  assert.deepEqual([...projectKeys(data, { ...rules, items: undefined }).keys()], ["a", "b"]);
  const picked = projectKeys(data, { ...rules, items: [{ key: "b", path: "x/y", mode: 0o400 }] });
  assert.deepEqual([...picked], [["x/y", { content: Buffer.from("2"), mode: 0o400 }]]);
  const items = [{ key: "absent", path: "z" }];
  assert.throws(() => projectKeys(data, { ...rules, items }), /references non-existent key: absent/);
  assert.equal(projectKeys(data, { ...rules, items, optional: true }).size, 0);
});
