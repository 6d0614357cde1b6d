import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { lgetxattr } from "../../linux/filesystem.ts";
import { digestOf } from "../../oci/digest.ts";
import { buildTar, tarEntry, type TarItem } from "../../testing/tar-builder.ts";
import type { UnpackedLayer } from "./unpack-job.ts";
import { createUnpackerPool, type Unpacker } from "./unpacker-pool.ts";

const skip = process.getuid?.() === 0 ? false : "needs root: chroot, mknod, chown";

describe("unpacking a layer", { skip }, () => {
  let base: string;
  let unpacker: Unpacker;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "berth-unpack-"));
    unpacker = createUnpackerPool({ size: 2 });
  });
  after(async () => {
    await unpacker[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  interface Unpacked extends UnpackedLayer {
    readonly root: string;
    readonly at: (path: string) => Stats | undefined;
  }

  interface Options {
    readonly compress?: (tar: Buffer) => Buffer;
    readonly diffId?: string;
    readonly maxBytes?: number;
    readonly maxInodes?: number;
  }

  async function unpackBytes(tar: Buffer, options: Options = {}): Promise<Unpacked> {
    const work = await mkdtemp(join(base, "job-"));
    const blobPath = join(work, "blob");
    const root = join(work, "outer", "root");
    await mkdir(root, { recursive: true });
    await writeFile(blobPath, options.compress?.(tar) ?? tar);
    const { diffId = digestOf(tar), maxBytes = 1e9, maxInodes = 1000 } = options;
    try {
      const layer = await unpacker.unpack({ blobPath, directory: root, diffId, maxBytes, maxInodes });
      return { ...layer, root, at: (path) => lstatSync(join(root, path), { throwIfNoEntry: false }) };
    } finally {
      // Whatever the archive held, nothing may appear beside its root.
      assert.deepEqual(readdirSync(join(work, "outer")), ["root"]);
      assert.deepEqual(readdirSync(work).sort(), ["blob", "outer"]);
    }
  }

  const unpack = (items: readonly TarItem[], options?: Options) => unpackBytes(buildTar(items), options);
  const isWhiteout = (stats: Stats | undefined) => stats?.isCharacterDevice() === true && stats.rdev === 0;
  const isOpaque = (path: string) => lgetxattr(path, "trusted.overlay.opaque")?.toString() === "y";

  test("files, directories and links get their content, owner, mode and time", async () => {
    const { root, at, bytes, inodes, implicitDirectories } = await unpack([
      { name: "./", type: "5", mode: 0o750, mtime: 1000 },
      { name: "d/", type: "5", mode: 0o2775, uid: 5, gid: 6, mtime: 2000 },
      { name: "d/file", content: "hello", mode: 0o4755, uid: 7, gid: 8, mtime: 3000 },
      { name: "d/hard", type: "1", linkName: "d/file" },
      { name: "d/soft", type: "2", linkName: "/../file", uid: 9, gid: 9, mtime: 4000 },
      { name: "d/fifo", type: "6", mode: 0o640 },
      { name: "d/null", type: "3", mode: 0o666, deviceMajor: 1, deviceMinor: 3 },
    ]);
    const show = (path: string) => {
      const found = at(path);
      assert.ok(found, path);
      return [found.mode & 0o7777, found.uid, found.gid, found.mtimeMs / 1000];
    };
    assert.deepEqual(show("."), [0o750, 0, 0, 1000]);
    assert.deepEqual(show("d"), [0o2775, 5, 6, 2000]);
    assert.deepEqual(show("d/file"), [0o4755, 7, 8, 3000]);
    assert.deepEqual(show("d/soft").slice(1), [9, 9, 4000]);
    assert.equal(at("d/hard")?.ino, at("d/file")?.ino);
    assert.equal(readlinkSync(join(root, "d/soft")), "/../file");
    assert.equal(readFileSync(join(root, "d/file"), "utf8"), "hello");
    assert.equal(at("d/fifo")?.isFIFO(), true);
    assert.equal(at("d/null")?.rdev, 0x103);
    assert.deepEqual([bytes, inodes, implicitDirectories], [5, 7, []]);
  });

  for (const [name, compress] of [
    ["gzip", gzipSync],
    [
      "gzip of two members",
      (tar: Buffer) => Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]),
    ],
    ["zstd", zstdCompressSync],
    [
      "zstd of several frames, skippable ones among them",
      (tar: Buffer) => {
        const skippable = Buffer.from("502a4d180400000074657874", "hex");
        const halves = [zstdCompressSync(tar.subarray(0, 700)), zstdCompressSync(tar.subarray(700))];
        return Buffer.concat([skippable, ...halves, skippable]);
      },
    ],
  ] as const) {
    test(`a layer compressed as ${name} is unpacked`, async () => {
      const { root } = await unpack([{ name: "f", content: "x".repeat(3000) }], { compress });
      assert.equal(readFileSync(join(root, "f"), "utf8"), "x".repeat(3000));
    });
  }

  /** Everything of a tree but its content, by a tool that is not ours. */
  const attributesIn = (directory: string) => {
    const format = "%P %y %m %U:%G %n %s %Ts %l\\n";
    const lines = execFileSync("find", [".", "-printf", format], { cwd: directory, encoding: "utf8" }).split("\n");
    // The size of a directory is its file system's business.
    return lines
      .map((line) => line.replace(/( d .* )\d+( \d+ $)/, "$1-$2"))
      .sort()
      .join("\n");
  };

  test("GNU tar's own archives unpack as tar itself unpacks them", async () => {
    const source = await mkdtemp(join(base, "source-"));
    const long = `${"long-directory-name/".repeat(12)}${"f".repeat(120)}`;
    execFileSync("sh", ["-c", `mkdir -p '${join(source, long, "..")}' && echo deep > '${join(source, long)}'`]);
    execFileSync("sh", ["-c", "truncate -s 3M sparse && printf x | dd of=sparse bs=1 seek=1500000 conv=notrunc 2>&1"], {
      cwd: source,
    });
    await writeFile(join(source, Buffer.from("caf\u00e9 \u4e2d").toString()), "unicode");
    const odd =
      "ln -s /nowhere dangling; ln sparse hard; mkfifo pipe; mknod null c 1 3; chown 7:8 pipe; chmod 6755 hard; chmod 1777 .";
    execFileSync("sh", ["-c", odd], { cwd: source });
    for (const flags of [["--format=gnu"], ["--format=pax"], ["--format=pax", "--sparse-version=0.0"]]) {
      for (const sparse of [["-S"], ["-S", "--sparse-version=0.1"], []]) {
        const tar = execFileSync("tar", [...flags, ...sparse, "-C", source, "-cf", "-", "."], { maxBuffer: 1e8 });
        const { root } = await unpackBytes(tar);
        execFileSync("tar", ["-C", root, "--compare", "-f", "-"], { input: tar });
        assert.equal(attributesIn(root), attributesIn(source));
        assert.equal(readFileSync(join(root, "sparse")).length, 3 * 1024 * 1024);
      }
    }
  });

  test("names that are no UTF-8 keep their bytes, whatever they name", async () => {
    const bytes = (suffix: string) => Buffer.concat([Buffer.of(0x66, 0xff, 0xfe), Buffer.from(suffix)]);
    const { root } = await unpack([
      { name: bytes("file"), content: "x", pax: [["SCHILY.xattr.user.note", "hello"]] },
      { name: bytes("directory/"), type: "5" },
      { name: bytes("link"), type: "2", linkName: "x", mtime: 77 },
      { name: Buffer.concat([Buffer.from(".wh."), bytes("gone")]) },
    ]);
    const at = (suffix: string) => lstatSync(Buffer.concat([Buffer.from(`${root}/`), bytes(suffix)]));
    assert.ok(at("file").isFile() && at("directory").isDirectory());
    assert.deepEqual([at("link").isSymbolicLink(), at("link").mtimeMs], [true, 77_000]);
    assert.ok(isWhiteout(at("gone")));
  });

  test("whiteouts become 0:0 devices and opaque marks, in any order and never against their own layer", async () => {
    const {
      root,
      at,
      isOpaque: rootOpaque,
    } = await unpack([
      { name: "a/.wh.gone" },
      { name: "b/kept" },
      { name: "b/.wh..wh..opq" },
      { name: "b/later" },
      { name: "c/file", content: "own" },
      { name: "c/.wh.file" },
      { name: "d/inner/x" },
      { name: "d/.wh.inner" },
      { name: ".wh.e" },
      { name: "e/x", content: "new" },
      { name: ".wh.f" },
      { name: "f", content: "replaced" },
      { name: ".wh..wh.plnk/", type: "5" },
    ]);
    assert.ok(isWhiteout(at("a/gone")));
    assert.ok(isOpaque(join(root, "b")) && at("b/kept") && at("b/later"));
    assert.equal(readFileSync(join(root, "c/file"), "utf8"), "own");
    assert.ok(isOpaque(join(root, "d/inner")) && at("d/inner/x"));
    assert.ok(isOpaque(join(root, "e")) && at("e/x"));
    assert.equal(readFileSync(join(root, "f"), "utf8"), "replaced");
    assert.deepEqual(readdirSync(root).sort(), ["a", "b", "c", "d", "e", "f"]);
    assert.equal(rootOpaque, false);
    assert.equal((await unpack([{ name: ".wh..wh..opq" }])).isOpaque, true);
  });

  test("directories that the layer does not mention are told, opaque ones left out", async () => {
    const layer = await unpack([
      { name: "usr/lib/x" },
      { name: "usr/lib/", type: "5" },
      { name: "opt/.wh..wh..opq" },
      { name: "etc/y" },
    ]);
    assert.deepEqual([...layer.implicitDirectories].sort(), ["", "etc", "usr"]);
  });

  test("symbolic links on the way are followed within the root only", async () => {
    const { root } = await unpack([
      { name: "real/", type: "5" },
      { name: "link", type: "2", linkName: "/real" },
      { name: "link/one", content: "1" },
      { name: "up", type: "2", linkName: "../../../../real" },
      { name: "up/two", content: "2" },
      { name: "dangling", type: "2", linkName: "made/here" },
      { name: "dangling/three", content: "3" },
      { name: "host", type: "2", linkName: "/etc-of-layer" },
      { name: "host/passwd", content: "ours" },
      { name: "../../../../outside", content: "in" },
      { name: "/absolute", content: "in" },
    ]);
    const tree = execFileSync("find", [".", "-type", "f", "-printf", "%p\n"], { cwd: root, encoding: "utf8" });
    assert.deepEqual(tree.trim().split("\n").sort(), [
      "./absolute",
      "./etc-of-layer/passwd",
      "./made/here/three",
      "./outside",
      "./real/one",
      "./real/two",
    ]);
  });

  test("the last entry for a path counts, and never writes through a link", async () => {
    const { root, at } = await unpack([
      { name: "target", content: "safe" },
      { name: "x", type: "2", linkName: "target" },
      { name: "x", content: "new" },
      { name: "dir/", type: "5", mode: 0o700 },
      { name: "dir/sub/file" },
      { name: "dir", type: "2", linkName: "target" },
      { name: "y", content: "file first" },
      { name: "y/", type: "5", mode: 0o711 },
    ]);
    assert.equal(readFileSync(join(root, "target"), "utf8"), "safe");
    assert.equal(readFileSync(join(root, "x"), "utf8"), "new");
    assert.ok(at("dir")?.isSymbolicLink());
    assert.equal((at("target")?.mode ?? 0) & 0o777, 0o644);
    assert.equal((at("y")?.mode ?? 0) & 0o7777, 0o711);
  });

  test("only harmless extended attributes reach the disk", async () => {
    const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
    const { root } = await unpack([
      {
        name: "f",
        uid: 1000,
        pax: [
          ["SCHILY.xattr.user.note", "hello"],
          ["SCHILY.xattr.security.capability", capability],
          ["SCHILY.xattr.trusted.overlay.redirect", "/etc"],
          ["SCHILY.xattr.trusted.overlay.metacopy", ""],
          ["SCHILY.xattr.user.overlay.redirect", "/etc"],
          ["SCHILY.xattr.security.selinux", "x"],
        ],
      },
    ]);
    const file = join(root, "f");
    assert.deepEqual(lgetxattr(file, "security.capability"), capability);
    for (const name of ["trusted.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.redirect"]) {
      assert.equal(lgetxattr(file, name), undefined, name);
    }
  });

  const hostile: readonly (readonly [string, readonly TarItem[]])[] = [
    ["the root replaced by a symbolic link", [{ name: "./", type: "2", linkName: "/etc" }]],
    ["the root replaced by a file through ..", [{ name: "a/..", content: "x" }]],
    ["a hard link to a file of the host", [{ name: "h", type: "1", linkName: "/etc/passwd" }]],
    ["a hard link above the root", [{ name: "h", type: "1", linkName: "../../../../../../etc/passwd" }]],
    [
      "a hard link to a directory",
      [
        { name: "d/", type: "5" },
        { name: "h", type: "1", linkName: "d" },
      ],
    ],
    ["a hard link to the root", [{ name: "h", type: "1", linkName: "/" }]],
    ["a file below a file", [{ name: "f" }, { name: "f/x" }]],
    ["a file below a device", [{ name: "n", type: "3", deviceMajor: 1, deviceMinor: 3 }, { name: "n/x" }]],
    [
      "symbolic links in a circle",
      [{ name: "a", type: "2", linkName: "b" }, { name: "b", type: "2", linkName: "a" }, { name: "a/x" }],
    ],
    ["a whiteout without a name", [{ name: "a/.wh." }]],
    ["a whiteout of the directory itself", [{ name: "a/.wh.." }]],
    ["a whiteout of the parent", [{ name: "a/.wh..." }]],
    ["a NUL in a PAX path", [{ name: "f", pax: [["path", "etc/passwd\0.txt"]] }]],
    ["a path of more than 4096 bytes", [{ name: "f", pax: [["path", "a/".repeat(2049)]] }]],
    ["a file name of more than 255 bytes", [{ name: "f", pax: [["path", "a".repeat(256)]] }]],
    ["an owner above 2^31", [{ name: "f", uid: 2 ** 31 }]],
    ["a negative owner", [{ name: "f", gid: -1 }]],
    ["an owner above 2^31 by PAX", [{ name: "f", pax: [["uid", "4294967296"]] }]],
    ["a device number out of range", [{ name: "n", type: "3", deviceMajor: 4096, deviceMinor: 0 }]],
    ["a negative size", [{ name: "f", size: -512 }]],
    ["a size of 8 EiB", [{ name: "f", size: 2 ** 62 }]],
    ["a PAX size that is no number", [{ name: "f", pax: [["size", "1e9"]] }]],
    ["an unknown type", [{ name: "f", type: "V" }]],
    ["a symbolic link without target", [{ name: "s", type: "2" }]],
    [
      "overlapping sparse pieces",
      [
        {
          name: "f",
          content: "xxxx",
          pax: [
            ["GNU.sparse.size", "9"],
            ["GNU.sparse.map", "0,2,1,2"],
          ],
        },
      ],
    ],
    [
      "a sparse piece behind the end",
      [
        {
          name: "f",
          content: "xx",
          pax: [
            ["GNU.sparse.size", "1"],
            ["GNU.sparse.map", "0,2"],
          ],
        },
      ],
    ],
    [
      "a sparse map that does not end",
      [
        {
          name: "f",
          content: "9".repeat(512),
          pax: [
            ["GNU.sparse.major", "1"],
            ["GNU.sparse.realsize", "9"],
          ],
        },
      ],
    ],
  ];

  for (const [what, items] of hostile) {
    test(`a layer is refused: ${what}`, async () => {
      await assert.rejects(unpack(items), { name: "SnapshotError", code: "LAYER_INVALID" });
    });
  }

  const whole = buildTar([{ name: "f", content: "x".repeat(5000) }]);
  const brokenStreams: readonly (readonly [string, Buffer, Options, string])[] = [
    ["cut within a file", whole.subarray(0, 3000), {}, "LAYER_INVALID"],
    ["cut within a header", whole.subarray(0, 300), {}, "LAYER_INVALID"],
    [
      "a PAX header with no entry",
      tarEntry({ name: "f", pax: [["path", "x"]] }).subarray(0, 1024),
      {},
      "LAYER_INVALID",
    ],
    ["data after one zero block", Buffer.concat([Buffer.alloc(512), whole]), {}, "LAYER_INVALID"],
    ["a header with a wrong checksum", Buffer.from(whole).fill(1, 0, 1), {}, "LAYER_INVALID"],
    ["cut gzip", whole, { compress: (tar) => gzipSync(tar).subarray(0, -20) }, "LAYER_INVALID"],
    ["cut zstd", whole, { compress: (tar) => zstdCompressSync(tar).subarray(0, -5) }, "LAYER_INVALID"],
    [
      "garbage after gzip",
      whole,
      { compress: (tar) => Buffer.concat([gzipSync(tar), Buffer.from("junk")]) },
      "LAYER_INVALID",
    ],
    [
      "garbage after zstd",
      whole,
      { compress: (tar) => Buffer.concat([zstdCompressSync(tar), Buffer.from("junk")]) },
      "LAYER_INVALID",
    ],
    ["another diff id", whole, { diffId: digestOf(Buffer.from("other")) }, "DIFF_ID_MISMATCH"],
    ["more bytes than allowed", whole, { maxBytes: 4000 }, "LAYER_TOO_LARGE"],
    ["endless zeros", Buffer.alloc(2e6), { compress: gzipSync, maxBytes: 1e6 }, "LAYER_TOO_LARGE"],
    [
      "more entries than allowed",
      buildTar(Array.from({ length: 20 }, (_, i) => ({ name: `f${i}` }))),
      { maxInodes: 10 },
      "LAYER_TOO_LARGE",
    ],
  ];

  for (const [what, tar, options, code] of brokenStreams) {
    test(`a stream is refused: ${what}`, async () => {
      await assert.rejects(unpackBytes(tar, options), { name: "SnapshotError", code });
    });
  }

  test("an error names the entry, without what its name could do to a terminal", async () => {
    const name = "a/\u001b[31m\u202ex";
    await assert.rejects(unpack([{ name, type: "1", linkName: "gone" }]), {
      message:
        'Cannot unpack the layer: entry "a/\\u001b[31m\ufffdx": the target "gone" of a hard link is no file of the layer',
    });
  });

  test("what follows the end of the archive is hashed but not unpacked", async () => {
    const trailing = Buffer.concat([whole, buildTar([{ name: "hidden" }])]);
    const { root } = await unpackBytes(trailing);
    assert.deepEqual(readdirSync(root), ["f"]);
    await assert.rejects(unpackBytes(trailing, { diffId: digestOf(whole) }), { code: "DIFF_ID_MISMATCH" });
  });

  test("an abort at any moment leaves a pool that works", async () => {
    const tar = buildTar(Array.from({ length: 300 }, (_, i) => ({ name: `f${i}`, content: "x" })));
    const blobPath = join(base, "aborted-blob");
    await writeFile(blobPath, tar);
    for (let round = 0; round < 15; round++) {
      const directory = await mkdtemp(join(base, "aborted-"));
      const job = { blobPath, directory, diffId: digestOf(tar), maxBytes: 1e9, maxInodes: 1000 };
      const abort = new AbortController();
      const unpacking = unpacker.unpack(job, abort.signal).then(
        () => abort.abort(new Error("stop")),
        (error: unknown) => assert.match(String(error), /stop/),
      );
      setTimeout(() => abort.abort(new Error("stop")), round * 2);
      await unpacking;
      await unpack([{ name: "f" }]);
    }
  });

  test("an abort ends the work, and the pool goes on", async () => {
    const abort = new AbortController();
    abort.abort(new Error("stop"));
    const job = { blobPath: "/dev/null", directory: base, diffId: digestOf(whole), maxBytes: 1, maxInodes: 1 };
    await assert.rejects(unpacker.unpack(job, abort.signal), /stop/);
    await unpack([{ name: "f" }]);
  });
});
