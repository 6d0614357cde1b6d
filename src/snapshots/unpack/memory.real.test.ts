import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { digestOfHash } from "../../oci/digest.ts";
import { tarEntry } from "../../testing/tar-builder.ts";
import { createUnpackerPool } from "./unpacker-pool.ts";

const MiB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * MiB);
const skip = process.getuid?.() === 0 ? false : "needs root: chroot";

test("unpacking 4 GiB takes as much memory as unpacking 128 MiB", { skip }, async () => {
  const small = await peakMegabytes(1, 1);
  // All of it is read and hashed; a part is a file, so that this test does not fill the disk.
  const large = await peakMegabytes(8, 56);
  assert.ok(large < small + 8, `${large} MB, and ${small} MB for the small one`);
  assert.ok(large < 110, `${large} MB`);
});

/** Unpacks a file of so many pieces of zeros, with more pieces behind the archive; returns the unpacker's peak. */
async function peakMegabytes(inFile: number, behind: number): Promise<number> {
  const work = await mkdtemp(join(tmpdir(), "berth-memory-"));
  await using unpacker = createUnpackerPool({ size: 1 });
  try {
    const directory = join(work, "root");
    await mkdir(directory);
    const blobPath = join(work, "blob");
    const diffId = await writeLayer(blobPath, { inFile, behind });
    const before = new Set(childPids());
    const layer = await unpacker.unpack({ blobPath, directory, diffId, maxBytes: 2 ** 33, maxInodes: 10 });
    assert.equal(layer.bytes, inFile * PIECE.length);
    const [pid] = childPids().filter((each) => !before.has(each));
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeLayer(path: string, { inFile, behind }: { inFile: number; behind: number }): Promise<string> {
  await using file = await open(path, "w");
  const hash = createHash("sha256");
  const zeros = gzipSync(PIECE);
  const header = tarEntry({ name: "zeros", size: inFile * PIECE.length });
  hash.update(header);
  await file.write(gzipSync(header));
  for (let piece = 0; piece < inFile + behind; piece++) {
    hash.update(PIECE);
    await file.write(zeros);
  }
  return digestOfHash("sha256", hash);
}

function childPids(): string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter((pid) => pid !== "");
}
