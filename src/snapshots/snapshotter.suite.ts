import assert from "node:assert/strict";
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { umount } from "../linux/mount.ts";
import { chainIdsOf } from "../oci/chain-id.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { buildTar, type TarItem } from "../testing/tar-builder.ts";
import { mountSnapshot, type SnapshotMount } from "./mount-snapshot.ts";
import type { Snapshotter } from "./snapshotter.ts";
import { createUnpackerPool, type Unpacker } from "./unpack/unpacker-pool.ts";

export interface SnapshotterSuiteOptions {
  readonly name: string;
  /** Opens the snapshotter in a directory, again after it was used there. */
  readonly open: (root: string) => Promise<Snapshotter>;
  readonly skip: string | false;
}

/** The contract of `Snapshotter` as tests, with real layers and real mounts. */
export function snapshotterSuite({ name, open, skip }: SnapshotterSuiteOptions): void {
  describe(`${name} snapshotter`, { skip }, () => {
    let base: string;
    let unpacker: Unpacker;
    before(async () => {
      base = await mkdtemp(join(tmpdir(), "berth-snapshots-"));
      unpacker = createUnpackerPool({ size: 2 });
    });
    after(async () => {
      await unpacker[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    });

    const newRoot = async () => await mkdtemp(join(base, "root,with:signs-"));

    async function commitLayers(snapshotter: Snapshotter, layers: readonly (readonly TarItem[])[]): Promise<Digest[]> {
      const tars = layers.map(buildTar);
      const chainIds = chainIdsOf(tars.map((tar) => digestOf(tar)));
      for (const [index, tar] of tars.entries()) {
        const blobPath = join(await mkdtemp(join(base, "blob-")), "blob");
        await writeFile(blobPath, tar);
        const chainId = chainIds[index];
        assert.ok(chainId);
        await using active = await snapshotter.prepare(chainId, chainIds[index - 1]);
        const limits = { maxBytes: 1e9, maxInodes: 1e6 };
        const { directory } = active;
        await active.commit(await unpacker.unpack({ blobPath, directory, diffId: digestOf(tar), ...limits }));
      }
      return chainIds;
    }

    async function withMounted<T>(snapshot: SnapshotMount, action: (root: string) => Promise<T>): Promise<T> {
      const target = await mkdtemp(join(base, "mounted-"));
      mountSnapshot(snapshot, target);
      try {
        return await action(target);
      } finally {
        umount(target);
      }
    }

    test("a rootfs shows all its layers, and what is written to it stays in it", async () => {
      const snapshotter = await open(await newRoot());
      const [, , top] = await commitLayers(snapshotter, [
        [
          { name: "./", type: "5", mode: 0o711 },
          { name: "usr/", type: "5", mode: 0o2751, uid: 3, gid: 4, mtime: 1234 },
          { name: "usr/a", content: "a1" },
          { name: "etc/passwd", content: "root" },
          { name: "opt/x/old" },
          { name: Buffer.of(0xff, 0x2f), type: "5", mode: 0o700 },
        ],
        [{ name: "usr/b", content: "b2" }, { name: ".wh.etc" }, { name: "opt/x/.wh..wh..opq" }, { name: "opt/x/new" }],
        [{ name: "usr/a", content: "a3" }, { name: Buffer.of(0xff, 0x2f, 0x66) }],
      ]);
      const snapshot = await snapshotter.prepareRootfs("c1", top);
      await withMounted(snapshot, async (root) => {
        assert.deepEqual((await readdir(root)).sort(), ["opt", "usr", "\ufffd"]);
        const noUtf8 = await stat(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]));
        assert.equal(noUtf8.mode & 0o7777, 0o700);
        assert.equal(await readFile(join(root, "usr/a"), "utf8"), "a3");
        assert.equal(await readFile(join(root, "usr/b"), "utf8"), "b2");
        assert.deepEqual(await readdir(join(root, "opt/x")), ["new"]);
        assert.equal((await stat(root)).mode & 0o7777, 0o711);
        const usr = await stat(join(root, "usr"));
        assert.deepEqual([usr.mode & 0o7777, usr.uid, usr.gid, usr.mtimeMs / 1000], [0o2751, 3, 4, 1234]);
        await writeFile(join(root, "written"), "x".repeat(9000));
        await rm(join(root, "usr/b"));
        await chmod(join(root, "usr"), 0o700);
        await chown(join(root, "usr"), 9, 9);
      });
      assert.deepEqual(await snapshotter.prepareRootfs("c1", top), snapshot);
      await withMounted(snapshot, async (root) => {
        assert.deepEqual((await readdir(root)).sort(), ["opt", "usr", "written", "\ufffd"]);
        assert.deepEqual(await readdir(join(root, "usr")), ["a"]);
      });
      await withMounted(await snapshotter.prepareRootfs("c2", top), async (root) => {
        assert.deepEqual((await readdir(join(root, "usr"))).sort(), ["a", "b"]);
      });
      const { bytes, inodes } = await snapshotter.rootfsUsage("c1");
      assert.ok(bytes >= 9000 && inodes >= 3, `${bytes} bytes, ${inodes} inodes`);
      assert.deepEqual((await snapshotter.listRootfs()).sort(), ["c1", "c2"]);
      await snapshotter.removeRootfs("c1");
      await snapshotter.removeRootfs("c1");
      assert.deepEqual(await snapshotter.listRootfs(), ["c2"]);
      assert.deepEqual(await snapshotter.rootfsUsage("c1"), { bytes: 0, inodes: 0 });
    });

    test("a layer that hides everything below shows alone", async () => {
      const snapshotter = await open(await newRoot());
      const [, top] = await commitLayers(snapshotter, [
        [{ name: "below" }],
        [{ name: ".wh..wh..opq" }, { name: "own" }],
      ]);
      await withMounted(await snapshotter.prepareRootfs("c", top), async (root) => {
        assert.deepEqual(await readdir(root), ["own"]);
      });
    });

    test("an image without layers gives an empty file system", async () => {
      const snapshotter = await open(await newRoot());
      await withMounted(await snapshotter.prepareRootfs("c", undefined), async (root) => {
        await mkdir(join(root, "made"));
        assert.deepEqual(await readdir(root), ["made"]);
      });
    });

    test("128 layers can be mounted", async () => {
      const snapshotter = await open(await newRoot());
      const layers = Array.from({ length: 128 }, (_, index) => [
        { name: `f${index}` },
        { name: "same", content: `${index}` },
      ]);
      const chainIds = await commitLayers(snapshotter, layers);
      await withMounted(await snapshotter.prepareRootfs("c", chainIds.at(-1)), async (root) => {
        assert.equal((await readdir(root)).length, 129);
        assert.equal(await readFile(join(root, "same"), "utf8"), "127");
      });
    });

    test("what was not committed is gone after the next start, and what was is there", async () => {
      const root = await newRoot();
      const first = await open(root);
      const [chainId] = await commitLayers(first, [[{ name: "f" }]]);
      assert.ok(chainId);
      const active = await first.prepare(digestOf(Buffer.from("lost")), undefined);
      await writeFile(join(active.directory, "half"), "x");
      const second = await open(root);
      await assert.rejects(lstat(active.directory), { code: "ENOENT" });
      assert.deepEqual(second.list(), first.list());
      await withMounted(await second.prepareRootfs("c", chainId), async (mounted) => {
        assert.deepEqual(await readdir(mounted), ["f"]);
      });
      const [again] = await commitLayers(second, [[{ name: "g" }]]);
      assert.notEqual(again, chainId);
      assert.equal(second.list().length, 2);
    });

    test("a snapshot is removed only when nothing lies on it", async () => {
      const snapshotter = await open(await newRoot());
      const [bottom, top] = await commitLayers(snapshotter, [[{ name: "a" }], [{ name: "b" }]]);
      assert.ok(bottom && top);
      await assert.rejects(snapshotter.remove(bottom), { name: "SnapshotError", code: "SNAPSHOT_IN_USE" });
      await snapshotter.prepareRootfs("c", top);
      await assert.rejects(snapshotter.remove(top), { code: "SNAPSHOT_IN_USE" });
      await snapshotter.removeRootfs("c");
      await snapshotter.remove(top);
      await snapshotter.remove(top);
      await snapshotter.remove(bottom);
      assert.deepEqual(snapshotter.list(), []);
      await assert.rejects(snapshotter.prepareRootfs("c", top), { code: "SNAPSHOT_UNKNOWN" });
    });

    test("garbage collection keeps whole chains of what lives and of what containers use", async () => {
      const snapshotter = await open(await newRoot());
      const [a1, a2] = await commitLayers(snapshotter, [[{ name: "a1" }], [{ name: "a2" }]]);
      const [b1, b2] = await commitLayers(snapshotter, [[{ name: "b1" }], [{ name: "b2" }]]);
      await commitLayers(snapshotter, [[{ name: "c1", content: "x".repeat(1000) }], [{ name: "c2" }]]);
      assert.ok(a1 && a2 && b1 && b2);
      await snapshotter.prepareRootfs("container", b2);
      assert.equal(await snapshotter.collectGarbage(new Set([a2])), 1000);
      const left = snapshotter.list().map((info) => info.chainId);
      assert.deepEqual(left.sort(), [a1, a2, b1, b2].sort());
    });

    test("keys that are no plain names are refused", async () => {
      const snapshotter = await open(await newRoot());
      for (const key of ["../x", "", "a/b", ".", "a\0b", "-x"]) {
        await assert.rejects(snapshotter.prepareRootfs(key, undefined), RangeError);
      }
    });
  });
}
