import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { lgetxattr, llistxattr, lremovexattr, lsetxattr, makeDevice, mknod, syncfs, tryFlock } from "./filesystem.ts";

const asRoot = process.getuid?.() === 0 ? {} : { skip: "needs root" };

describe("linux/filesystem", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "berth-filesystem-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  test("mknod makes overlayfs' whiteout, a character device 0:0", asRoot, () => {
    const path = join(directory, "whiteout");
    mknod({ path, type: "character", mode: 0 });
    const stat = lstatSync(path);
    assert.deepEqual([stat.isCharacterDevice(), stat.rdev], [true, 0]);
  });

  test("mknod makes a device that the kernel reads back with the same numbers", asRoot, () => {
    const path = join(directory, "device");
    mknod({ path, type: "block", mode: 0o600, major: 259, minor: 0x12345 });
    assert.equal(BigInt(lstatSync(path).rdev), makeDevice(259, 0x12345));
  });

  test("mknod on a name that exists throws EEXIST", () => {
    const path = join(directory, "taken");
    writeFileSync(path, "");
    assert.throws(() => mknod({ path, type: "fifo", mode: 0o600 }), { name: "LinuxError", code: "EEXIST" });
  });

  test("makeDevice refuses numbers that would wrap into another device", () => {
    assert.throws(() => makeDevice(0x1000, 0), RangeError);
    assert.throws(() => makeDevice(0, -1), RangeError);
  });

  test("extended attributes are set, listed, read and removed", asRoot, () => {
    const path = join(directory, "attributes");
    writeFileSync(path, "");
    lsetxattr(path, "trusted.overlay.opaque", Buffer.from("y"));
    assert.deepEqual(llistxattr(path), ["trusted.overlay.opaque"]);
    assert.equal(lgetxattr(path, "trusted.overlay.opaque")?.toString(), "y");
    lremovexattr(path, "trusted.overlay.opaque");
    assert.equal(lgetxattr(path, "trusted.overlay.opaque"), undefined);
  });

  test("syncfs syncs the file system of an open file and refuses a closed one", async () => {
    const fd = openSync(directory, "r");
    await syncfs(fd);
    closeSync(fd);
    await assert.rejects(syncfs(fd), { name: "LinuxError", code: "EIO" });
  });

  test("tryFlock fails while another open file holds the lock", () => {
    const path = join(directory, "lock");
    const first = openSync(path, "w");
    const second = openSync(path, "w");
    assert.equal(tryFlock(first), true);
    assert.equal(tryFlock(second), false);
    closeSync(first);
    assert.equal(tryFlock(second), true);
    closeSync(second);
  });
});
