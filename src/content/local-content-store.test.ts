import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { digestOf } from "../oci/digest.ts";
import { contentStoreSuite } from "./content-store.suite.ts";
import { openLocalContentStore } from "./local-content-store.ts";

let base: string;
before(async () => {
  base = await mkdtemp(join(tmpdir(), "berth-content-"));
});
after(() => rm(base, { recursive: true, force: true }));

contentStoreSuite("local store", async () => openLocalContentStore(await mkdtemp(join(base, "store-"))));

const INGEST = `
  import { openLocalContentStore } from ${JSON.stringify(new URL("local-content-store.ts", import.meta.url).href)};
  import { digestOf } from ${JSON.stringify(new URL("../oci/digest.ts", import.meta.url).href)};
  const bytes = Buffer.alloc(4_000_000, "berth");
  const store = await openLocalContentStore(process.argv[1]);
  const asked = [];
  await store.ingest({ digest: digestOf(bytes), size: bytes.length, source: async function* (offset) {
    asked.push(offset);
    for (let at = offset; at < bytes.length; at += 400_000) {
      yield bytes.subarray(at, at + 400_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } });
  console.log(JSON.stringify(asked));
`;

for (const [point, resumedAt] of [
  // The write of the last chunk runs while the process is killed.
  ["content.after-chunk=3*off->kill", ["[1200000]", "[1600000]"]],
  ["content.before-sync=kill", ["[]"]],
  ["content.before-rename=kill", ["[]"]],
  ["content.after-rename=kill", ["[]"]],
] as const) {
  test(`killed at ${point}, the store never shows a wrong blob and the next ingest ends it`, async () => {
    const root = await mkdtemp(join(base, "killed-"));
    const run = (failpoints: string) =>
      spawnSync(process.execPath, ["--input-type=module-typescript", "-e", INGEST, root], {
        encoding: "utf8",
        env: { ...process.env, BERTH_FAILPOINTS: failpoints },
      });
    const killed = run(point);
    assert.equal(killed.signal, "SIGKILL", killed.stderr);
    assert.match(killed.stderr, /failpoint content/);
    const bytes = Buffer.alloc(4_000_000, "berth");
    for (const blob of await (await openLocalContentStore(root)).list()) {
      assert.equal(digestOf(await readFile(blob.path)), blob.digest);
    }
    const second = run("");
    const asked: readonly string[] = resumedAt;
    assert.ok(asked.includes(second.stdout.trim()), second.stdout + second.stderr);
    assert.deepEqual(await readFile(join(root, "blobs/sha256", digestOf(bytes).slice(7))), bytes);
  });
}

test("blobs and directories are closed to other users", async () => {
  const root = await mkdtemp(join(base, "modes-"));
  const store = await openLocalContentStore(root);
  const bytes = Buffer.from("secret layer");
  await store.ingest({ digest: digestOf(bytes), size: bytes.length, source: () => once(bytes) });
  const found = await store.stat(digestOf(bytes));
  assert.equal((await stat(found?.path ?? "")).mode & 0o777, 0o400);
  assert.equal((await stat(join(root, "blobs"))).mode & 0o777, 0o700);
});

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes;
}
