import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { resolveUser } from "./container-user.ts";
import { readFileInRootfs, resolveInRootfs } from "./file-in-rootfs.ts";

describe("resolveUser", () => {
  let base: string;
  let rootfs: string;
  before(() => {
    base = mkdtempSync(join(tmpdir(), "berth-user-"));
    rootfs = join(base, "rootfs");
    mkdirSync(join(rootfs, "etc"), { recursive: true });
    const users = [
      "root:x:0:0::/root:/bin/sh",
      "app:x:1000:1000::/:/bin/sh",
      "42:x:4242:4242::/:/bin/sh",
      "huge:x:4294967296:0::/:",
    ];
    writeFileSync(
      join(rootfs, "etc/passwd"),
      [...users, "broken", "minus:x:-1:0::/:", "wrapped:x:2147483648:0::/:"].join("\n"),
    );
    writeFileSync(join(rootfs, "etc/group"), "root:x:0:\napps:x:1000:\nwheel:x:10:app,other\nstaff:x:50:app\n");
  });
  after(() => rmSync(base, { recursive: true }));

  const resolve = (imageUser: string, root = rootfs): string => {
    const { uid, gid, supplementalGroups } = resolveUser({ rootfs: root, imageUser, supplementalGroups: [] });
    return `${uid}:${gid} ${supplementalGroups.join(",")}`;
  };

  test("names and numbers of the image become what containerd makes of them", () => {
    const cases: [imageUser: string, result: string][] = [
      ["", "0:0 0"],
      ["root", "0:0 0"],
      ["0", "0:0 0"],
      ["app", "1000:1000 1000,10,50"],
      ["1000", "1000:1000 1000,10,50"],
      ["app:wheel", "1000:10 10"],
      ["app:77", "1000:77 77"],
      ["1234", "1234:0 0"],
      ["1234:5678", "1234:5678 5678"],
      ["42", "4242:4242 4242"],
      [":wheel", "0:10 10"],
      ["007", "7:0 0"],
    ];
    for (const [imageUser, result] of cases) assert.equal(resolve(imageUser), result, imageUser);
  });

  test("what is no user of the image, or would wrap around to another one, is refused", () => {
    const users = [
      "nobody",
      "-1",
      "1.5",
      "0x0",
      "1e3",
      "2147483648",
      "4294967296",
      "99999999999999999999",
      "huge",
      "minus",
    ];
    for (const user of [
      ...users,
      "wrapped",
      "app:nogroup",
      "app:2147483648",
      "app:-1",
      " root",
      "root\n",
      "a:b:c",
      "../etc/passwd",
    ]) {
      assert.throws(() => resolve(user), { name: "CriError", code: "INVALID_ARGUMENT" }, user);
    }
  });

  test("an image without user database has numbers only", () => {
    const empty = mkdtempSync(join(base, "empty-"));
    assert.equal(resolve("7:8", empty), "7:8 8");
    assert.throws(() => resolve("root", empty), { code: "INVALID_ARGUMENT" });
  });

  test("a database that is a link out of the image, a pipe, a device or too large is never read", () => {
    writeFileSync(join(base, "passwd"), "app:x:0:0::/:\n");
    const withPasswd = (make: (path: string) => void): string => {
      const root = mkdtempSync(join(base, "hostile-"));
      mkdirSync(join(root, "etc"));
      make(join(root, "etc", "passwd"));
      return root;
    };
    const links = ["../../passwd", join(base, "passwd"), "passwd", "/proc/self/root/etc/passwd", "/dev/zero"];
    const roots = [
      ...links.map((target) => withPasswd((path) => symlinkSync(target, path))),
      withPasswd((path) => execFileSync("mkfifo", [path])),
      withPasswd((path) => mkdirSync(path)),
      withPasswd((path) => {
        writeFileSync(path, "app:x:0:0::/:\n");
        truncateSync(path, 64 << 20);
      }),
    ];
    for (const root of roots) assert.throws(() => resolve("app", root), { code: "INVALID_ARGUMENT" });
  });
});

test("resolveInRootfs follows links as they lead inside the root", () => {
  const root = mkdtempSync(join(tmpdir(), "berth-rootfs-"));
  mkdirSync(join(root, "usr/lib"), { recursive: true });
  symlinkSync("usr/lib", join(root, "lib"));
  symlinkSync("/usr/lib/real", join(root, "usr/lib/absolute"));
  symlinkSync("../../../../../usr", join(root, "up"));
  symlinkSync("loop", join(root, "loop"));
  writeFileSync(join(root, "usr/lib/real"), "text");
  assert.equal(resolveInRootfs(root, "/lib/absolute"), "/usr/lib/real");
  assert.equal(resolveInRootfs(root, "/up/lib/../../../../lib/real"), "/usr/lib/real");
  assert.equal(resolveInRootfs(root, "/loop"), undefined);
  assert.equal(readFileInRootfs(root, "/lib/absolute", 100), "text");
  assert.throws(() => readFileInRootfs(root, "/lib/absolute", 3), RangeError);
  rmSync(root, { recursive: true });
});
