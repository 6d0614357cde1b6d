import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { bindMount, mount, mountPointsUnder, parseMountInfo, umount } from "./mount.ts";

const asRoot = process.getuid?.() === 0 ? {} : { skip: "needs root" };

test("mount, list and umount of a tmpfs with a bind mount inside", asRoot, () => {
  const directory = mkdtempSync(join(tmpdir(), "berth mount-"));
  try {
    mount({ source: "tmpfs", target: directory, type: "tmpfs", flags: ["nosuid", "nodev"], data: "size=64k" });
    mkdirSync(join(directory, "a"));
    mkdirSync(join(directory, "b"));
    writeFileSync(join(directory, "a", "file"), "");
    bindMount(join(directory, "a"), join(directory, "b"), { readonly: true });
    assert.ok(existsSync(join(directory, "b", "file")));
    assert.throws(() => writeFileSync(join(directory, "b", "new"), ""), { code: "EROFS" });
    assert.deepEqual(mountPointsUnder(directory), [join(directory, "b"), directory]);
  } finally {
    for (const point of mountPointsUnder(directory)) umount(point);
    assert.deepEqual(mountPointsUnder(directory), []);
    assert.equal(umount(directory), false);
    rmSync(directory, { recursive: true });
  }
});

test("a mount that fails names the errno and both ends", () => {
  assert.throws(() => mount({ source: "/nowhere", target: "/nonexistent", flags: ["bind"] }), {
    name: "LinuxError",
    code: process.getuid?.() === 0 ? "ENOENT" : "EPERM",
    message: /^Cannot mount "\/nowhere" on "\/nonexistent": E/,
  });
});

test("parseMountInfo reads optional fields and escaped blanks", () => {
  const line = String.raw`36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:2 - ext3 /dev/root rw,errors=continue`;
  assert.deepEqual(parseMountInfo(`${line}\n`), [
    {
      mountId: 36,
      root: "/mnt1",
      mountPoint: "/mnt 2",
      type: "ext3",
      source: "/dev/root",
      options: "rw,noatime",
      superOptions: "rw,errors=continue",
    },
  ]);
});
