import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { openInstance, type Instance } from "../instance/open-instance.ts";
import { purgeInstance } from "./purge-instance.ts";

describe("purgeInstance", () => {
  test("removes everything that has a place in the data directory, and the directories", async (t) => {
    const { root, instance } = await usedInstance(t);
    await purgeInstance(instance);
    assert.deepEqual(await readdir(root), []);
  });

  test("leaves what is not the cluster's in a directory that the user has named", async (t) => {
    const { instance } = await usedInstance(t);
    await writeFile(join(instance.paths.dataDir, "letters.txt"), "");
    await purgeInstance(instance);
    assert.deepEqual(await readdir(instance.paths.dataDir), ["letters.txt"]);
  });
});

async function usedInstance(t: TestContext): Promise<{ readonly root: string; readonly instance: Instance }> {
  const root = await mkdtemp(join(tmpdir(), "berth-purge-"));
  t.after(async () => await rm(root, { recursive: true, force: true }));
  const directories = { dataRoot: join(root, "data"), runRoot: join(root, "run") };
  const instance = await openInstance({ name: "purged", directories, apiPort: 0, kubeletPort: 0 });
  for (const [name, path] of Object.entries({ ...instance.paths })) {
    await mkdir(name.endsWith("Dir") ? path : dirname(path), { recursive: true });
    if (!existsSync(path)) await writeFile(path, "");
  }
  return { root, instance };
}
