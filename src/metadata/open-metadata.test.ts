import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { openMetadata } from "./open-metadata.ts";

let base: string;
before(async () => {
  base = await mkdtemp(join(tmpdir(), "berth-metadata-"));
});
after(() => rm(base, { recursive: true, force: true }));

const newPath = async () => join(await mkdtemp(join(base, "db-")), "engine.db");

test("records are listed by id, replaced and removed, and outlive the database being closed", async () => {
  const path = await newPath();
  {
    await using metadata = await openMetadata(path);
    const images = metadata.records<{ size: number }>("images", 1);
    await images.put("b", { size: 1 });
    await images.put("a", { size: 2 });
    await images.put("b", { size: 3 });
    await images.put("c", { size: 4 });
    await images.delete("c");
    await images.delete("never there");
  }
  await using metadata = await openMetadata(path);
  const images = metadata.records<{ size: number }>("images", 1);
  assert.deepEqual(images.list(), [
    { id: "a", record: { size: 2 } },
    { id: "b", record: { size: 3 } },
  ]);
  assert.equal(images.get("c"), undefined);
  assert.deepEqual(metadata.records("other", 1).list(), []);
});

test("a transaction applies all writes or none", async () => {
  await using metadata = await openMetadata(await newPath());
  const names = metadata.records<string>("names", 1);
  const images = metadata.records<string>("images", 1);
  await metadata.transaction([names.putting("n", "i"), images.putting("i", "x")]);
  const broken = { collection: "names", id: "z", value: { version: 1, json: undefined as unknown as string } };
  await assert.rejects(metadata.transaction([names.deleting("n"), broken]));
  assert.deepEqual([names.get("n"), images.get("i"), names.get("z")], ["i", "x", undefined]);
  await names.put("still", "works");
});

test("older records are upgraded, newer ones are refused", async () => {
  await using metadata = await openMetadata(await newPath());
  await metadata.records<string>("things", 2).put("x", "text");
  const upgraded = metadata.records<{ text: string }>("things", 3, (old) => ({ text: old as string }));
  assert.deepEqual(upgraded.get("x"), { text: "text" });
  assert.throws(() => metadata.records("things", 1).get("x"), { code: "VERSION_TOO_NEW" });
  assert.throws(() => metadata.records("things", 3).get("x"), { code: "VERSION_TOO_OLD" });
});

test("a second owner is refused", async () => {
  const path = await newPath();
  await using _owner = await openMetadata(path);
  const open = `
    import { openMetadata } from ${JSON.stringify(new URL("open-metadata.ts", import.meta.url).href)};
    await openMetadata(process.argv[1]).then(() => console.log("opened"), (error) => console.log(error.code));
  `;
  const other = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", open, path], { encoding: "utf8" });
  assert.equal(other.stdout.trim(), "DATABASE_IN_USE", other.stderr);
});

test("a file that is no database is DATABASE_CORRUPT", async () => {
  const path = await newPath();
  await writeFile(path, "this is not a database, whatever its name says".repeat(100));
  await assert.rejects(openMetadata(path), { name: "MetadataError", code: "DATABASE_CORRUPT" });
});
