import assert from "node:assert/strict";
import { test } from "node:test";

import { buildTar } from "../../testing/tar-builder.ts";
import { SnapshotError } from "../snapshot-error.ts";
import { TarReader } from "./tar-reader.ts";

const SAMPLE = buildTar([
  { name: "d/", type: "5" },
  {
    name: "d/file",
    content: "x".repeat(700),
    pax: [
      ["mtime", "1700000000.25"],
      ["SCHILY.xattr.user.a", "b"],
    ],
  },
  {
    name: "sparse",
    content: "abcd",
    pax: [
      ["GNU.sparse.size", "100"],
      ["GNU.sparse.map", "10,2,50,2"],
    ],
  },
  {
    name: "sparse1",
    content: `${"1\n0\n4\n".padEnd(512, "\0")}wxyz`,
    pax: [
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.realsize", "9"],
    ],
  },
  { name: "link", type: "2", linkName: "d/file" },
  { name: "L", type: "L", content: `${"long/".repeat(40)}\0` },
  { name: "short", content: "y" },
]);

function read(tar: Buffer, chunkSize = tar.length): string[] {
  const seen: string[] = [];
  const reader = new TarReader({
    begin: (entry) => seen.push(`${entry.type} ${entry.name} ${entry.mtime.nanoseconds}`),
    data: (chunk, offset) => seen.push(`${offset} ${Buffer.from(chunk).toString("latin1")}`),
    end: (size) => seen.push(`end ${size}`),
  });
  for (let at = 0; at < tar.length; at += chunkSize) reader.push(tar.subarray(at, at + chunkSize));
  reader.finish();
  return seen;
}

test("sparse files of both PAX forms, long names and times are read", () => {
  const long = "long/".repeat(40);
  assert.deepEqual(read(SAMPLE), [
    "directory d/ 0",
    "end 0",
    "file d/file 250000000",
    `0 ${"x".repeat(700)}`,
    "end 700",
    "file sparse 0",
    "10 ab",
    "50 cd",
    "end 100",
    "file sparse1 0",
    "0 wxyz",
    "end 9",
    "symlink link 0",
    "end 0",
    `file ${long} 0`,
    "0 y",
    "end 1",
  ]);
});

test("an archive reads the same in chunks of any size", () => {
  const joined = (tar: Buffer, chunkSize: number) => read(tar, chunkSize).filter((line) => !/^\d/.test(line));
  const whole = joined(SAMPLE, SAMPLE.length);
  for (const chunkSize of [1, 7, 511, 512, 513, 4096]) assert.deepEqual(joined(SAMPLE, chunkSize), whole);
});

test("a damaged archive is read or refused, nothing else", () => {
  // A fixed sequence: a failure is the same at every run.
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const damaged = Buffer.from(SAMPLE);
    for (let i = 0; i <= random(4); i++) damaged[random(damaged.length)] = random(256);
    repairChecksums(damaged);
    try {
      read(damaged.subarray(0, damaged.length - (round % 3 === 0 ? random(damaged.length) : 0)), 1000);
    } catch (error) {
      refused++;
      assert.ok(error instanceof SnapshotError, `round ${round}: ${String(error)}`);
    }
  }
  assert.ok(refused > 100, `only ${refused} were refused`);
});

/** Makes damage reach what lies behind the checksum. */
function repairChecksums(tar: Buffer): void {
  for (let at = 0; at < tar.length; at += 512) {
    const block = tar.subarray(at, at + 512);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    block.fill(0x20, 148, 156);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  }
}
