import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";

import { decompress } from "./decompress.ts";
import { openSyncDecoder } from "./sync-decoder.ts";

test("this version of Node has the private interface that halves the time of unpacking", () => {
  for (const kind of ["gzip", "zstd"] as const) {
    using decoder = openSyncDecoder(kind);
    assert.ok(decoder, kind);
  }
});

const CONTENT = Buffer.from(Array.from({ length: 700_000 }, (_, index) => (index * index) % 251));
const HALVES = [CONTENT.subarray(0, 300_001), CONTENT.subarray(300_001)];

for (const [how, open] of [
  ["at once", openSyncDecoder],
  ["by streams", () => undefined],
] as const) {
  const inflate = async (bytes: Buffer, chunkBytes: number): Promise<Buffer> => {
    const found: Buffer[] = [];
    for await (const chunk of decompress(chunksOf(bytes, chunkBytes), open)) found.push(Buffer.from(chunk));
    return Buffer.concat(found);
  };

  describe(`decompressing ${how}`, () => {
    for (const [name, compress] of [
      ["gzip", gzipSync],
      ["zstd", zstdCompressSync],
    ] as const) {
      const whole = compress(CONTENT);
      const parts = Buffer.concat(HALVES.map((half) => compress(half)));

      test(`${name} comes out as it went in, however its chunks are cut`, async () => {
        for (const chunkBytes of [999, 65_536, whole.length]) {
          assert.ok((await inflate(whole, chunkBytes)).equals(CONTENT), `${chunkBytes}`);
          assert.ok((await inflate(parts, chunkBytes)).equals(CONTENT), `${chunkBytes}, two parts`);
        }
      });

      test(`${name} whose parts end where a chunk ends is read on`, async () => {
        const first = compress(HALVES[0] ?? Buffer.alloc(0));
        assert.ok((await inflate(parts, first.length)).equals(CONTENT));
      });

      test(`${name} that is cut anywhere is refused`, async () => {
        for (const length of [12, whole.length >> 1, whole.length - 1]) {
          await assert.rejects(inflate(whole.subarray(0, length), 65_536), { code: "LAYER_INVALID" }, `${length}`);
        }
      });

      test(`${name} with changed bytes is refused`, async () => {
        const broken = Buffer.from(whole);
        broken.fill(0xff, whole.length - 30, whole.length - 10);
        await assert.rejects(inflate(broken, 65_536), { code: "LAYER_INVALID" });
      });

      test(`${name} with garbage behind it is refused`, async () => {
        for (const chunkBytes of [whole.length, 65_536]) {
          const bytes = Buffer.concat([whole, Buffer.from("garbage behind it")]);
          await assert.rejects(inflate(bytes, chunkBytes), { code: "LAYER_INVALID" }, `${chunkBytes}`);
        }
      });
    }

    test("zeros behind gzip are padding", async () => {
      const padded = Buffer.concat([gzipSync(CONTENT), Buffer.alloc(100_000)]);
      for (const chunkBytes of [999, 65_536]) assert.ok((await inflate(padded, chunkBytes)).equals(CONTENT));
    });
  });
}

async function* chunksOf(bytes: Buffer, chunkBytes: number): AsyncIterable<Buffer> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await Promise.resolve();
    yield bytes.subarray(at, at + chunkBytes);
  }
}
