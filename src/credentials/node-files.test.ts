import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { createNodeFileCredentials, nodeFileSearchPaths } from "./node-files.ts";

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "node-files-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function config(username: string): string {
  return JSON.stringify({ "r.io": { username, password: "p" } });
}

test("the search order is the kubelet's", () => {
  const files = nodeFileSearchPaths({ rootDir: "/kubelet", workingDir: "/cwd", home: "/root" });
  assert.deepEqual(
    files.map(({ path }) => path),
    [
      "/kubelet/config.json",
      "/cwd/config.json",
      "/root/.docker/config.json",
      "/.docker/config.json",
      "/kubelet/.dockercfg",
      "/cwd/.dockercfg",
      "/root/.dockercfg",
      "/.dockercfg",
    ],
  );
});

test("without HOME its places are left out", () => {
  const files = nodeFileSearchPaths({ rootDir: "/k", workingDir: "/c", home: undefined });
  assert.equal(files.length, 6);
});

test("the first file that parses wins and a broken one is passed over by name only", async (t) => {
  const directory = await temporaryDirectory(t);
  const broken = join(directory, "config.json");
  const good = join(directory, ".dockercfg");
  await writeFile(broken, '{"auths": "hunter2"');
  await writeFile(good, config("me"));
  const { found, passedOver } = await createNodeFileCredentials([
    { path: join(directory, "absent.json"), format: "config.json" },
    { path: broken, format: "config.json" },
    { path: good, format: ".dockercfg" },
  ]).read();
  assert.deepEqual(found?.source, { kind: "node-file", path: good });
  assert.deepEqual(
    passedOver.map(({ path }) => path),
    [broken],
  );
  assert.ok(!JSON.stringify(passedOver).includes("hunter2"));
});

test("a changed file is read anew, an appearing one is found, a removed one forgotten", async (t) => {
  const path = join(await temporaryDirectory(t), ".dockercfg");
  const credentials = createNodeFileCredentials([{ path, format: ".dockercfg" }]);
  const usersNow = async () => (await credentials.read()).found?.config.entries.map(({ auth }) => auth.username);
  assert.equal(await usersNow(), undefined);
  await writeFile(path, config("one"));
  assert.deepEqual(await usersNow(), ["one"]);
  await writeFile(path, config("other"));
  assert.deepEqual(await usersNow(), ["other"]);
  await rm(path);
  assert.equal(await usersNow(), undefined);
});
