import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { writeFileAtomic } from "./atomic-write.ts";
import { disposable } from "./disposable.ts";

async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), "berth-atomic-"));
  return { path, ...disposable(() => rm(path, { recursive: true })) };
}

test("writeFileAtomic replaces a file, with the mode asked for whatever the umask", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "f");
  await writeFile(path, "old");
  const umask = process.umask(0o077);
  try {
    await writeFileAtomic(path, "new", { mode: 0o644 });
  } finally {
    process.umask(umask);
  }
  assert.equal(await readFile(path, "utf8"), "new");
  assert.equal((await stat(path)).mode & 0o777, 0o644);
});

test("writeFileAtomic that fails leaves the old file and nothing beside it", async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, "missing", "f");
  await assert.rejects(writeFileAtomic(path, "x"), { code: "ENOENT" });
  assert.deepEqual(await readdir(directory.path), []);
});
