import assert from "node:assert/strict";
import { test } from "node:test";

import { digestOf } from "../oci/digest.ts";
import type { ContentStore, IngestRequest } from "./content-store.ts";

const BYTES = Buffer.from("0123456789".repeat(1000));
const DIGEST = digestOf(BYTES);

/** The contract of `ContentStore` as tests. `open` returns an empty store each time. */
export function contentStoreSuite(name: string, open: () => Promise<ContentStore>): void {
  test(`${name}: an ingested blob is read back, once it is whole`, async () => {
    const store = await open();
    assert.equal(await store.stat(DIGEST), undefined);
    const seen: number[] = [];
    await store.ingest({ ...honest(), onProgress: (bytes) => seen.push(bytes) });
    assert.deepEqual(Buffer.from(await store.read(DIGEST, BYTES.length)), BYTES);
    assert.equal((await store.stat(DIGEST))?.size, BYTES.length);
    assert.equal(seen.at(-1), BYTES.length);
    assert.deepEqual(
      (await store.list()).map((blob) => blob.digest),
      [DIGEST],
    );
  });

  test(`${name}: a blob that is there is not fetched again`, async () => {
    const store = await open();
    await store.ingest(honest());
    await store.ingest({ ...honest(), source: () => assert.fail("fetched twice") });
  });

  test(`${name}: a blob of another digest or size leaves nothing`, async () => {
    const store = await open();
    const wrong = Buffer.from(BYTES).fill("x", 5, 6);
    await assert.rejects(store.ingest({ ...honest(), source: pieces(wrong) }), { code: "DIGEST_MISMATCH" });
    await assert.rejects(store.ingest({ ...honest(), source: pieces(BYTES.subarray(1)) }), { code: "SIZE_MISMATCH" });
    await assert.rejects(store.ingest({ ...honest(), source: pieces(Buffer.concat([BYTES, BYTES])) }), {
      code: "SIZE_MISMATCH",
    });
    assert.deepEqual(await store.list(), []);
    let offsetAsked = -1;
    const source = (offset: number) => {
      offsetAsked = offset;
      return pieces(BYTES)(offset);
    };
    await store.ingest({ ...honest(), source });
    assert.equal(offsetAsked, 0);
    await assert.rejects(store.ingest({ ...honest(), size: 3 }), { code: "SIZE_MISMATCH" });
  });

  test(`${name}: an ingest that broke off goes on where it ended`, async () => {
    const store = await open();
    await assert.rejects(store.ingest({ ...honest(), source: () => breaking(BYTES.subarray(0, 4321)) }), /cut/);
    assert.equal(await store.stat(DIGEST), undefined);
    let offsetAsked = -1;
    await store.ingest({
      ...honest(),
      source: (offset) => {
        offsetAsked = offset;
        return pieces(BYTES)(offset);
      },
    });
    assert.equal(offsetAsked, 4321);
    assert.deepEqual(Buffer.from(await store.read(DIGEST, 1e6)), BYTES);
  });

  test(`${name}: of many ingests of one blob one fetches, and the next takes over where it fails`, async () => {
    const store = await open();
    let fetches = 0;
    const counted: IngestRequest["source"] = (offset) => {
      fetches++;
      return pieces(BYTES)(offset);
    };
    const first = store.ingest({ ...honest(), source: () => breaking(BYTES.subarray(0, 10)) });
    const others = Array.from({ length: 5 }, () => store.ingest({ ...honest(), source: counted }));
    await assert.rejects(first, /cut/);
    await Promise.all(others);
    assert.equal(fetches, 1);
  });

  test(`${name}: an abort ends the wait for another's ingest`, async () => {
    const store = await open();
    const gate = Promise.withResolvers<void>();
    const slow = store.ingest({ ...honest(), source: (offset) => gated(gate.promise, pieces(BYTES)(offset)) });
    const abort = new AbortController();
    const waiting = store.ingest({ ...honest(), signal: abort.signal });
    abort.abort();
    await assert.rejects(waiting, { name: "AbortError" });
    gate.resolve();
    await slow;
    await store.ingest({ ...honest(), source: () => assert.fail("fetched twice") });
  });

  test(`${name}: reading an unknown blob throws BLOB_UNKNOWN, a large one BLOB_TOO_LARGE`, async () => {
    const store = await open();
    await assert.rejects(store.read(DIGEST, 1), { name: "ContentError", code: "BLOB_UNKNOWN" });
    await assert.rejects(store.open(DIGEST), { code: "BLOB_UNKNOWN" });
    await store.ingest(honest());
    await assert.rejects(store.read(DIGEST, 1), { code: "BLOB_TOO_LARGE" });
  });

  test(`${name}: garbage collection keeps what lives and what is coming, and nothing else`, async () => {
    const store = await open();
    const other = Buffer.from("other");
    const coming = Buffer.from("coming");
    await store.ingest(honest());
    await store.ingest({ digest: digestOf(other), size: other.length, source: pieces(other) });
    const cut = { digest: digestOf(Buffer.from("cut off")), size: 7, source: () => breaking(Buffer.from("cut")) };
    await assert.rejects(store.ingest(cut), /cut/);
    const gate = Promise.withResolvers<void>();
    const source = (offset: number) => gated(gate.promise, pieces(coming)(offset));
    const running = store.ingest({ digest: digestOf(coming), size: coming.length, source });
    assert.equal(await store.collectGarbage(new Set([DIGEST])), other.length + 3);
    gate.resolve();
    await running;
    const left = (await store.list()).map((blob) => blob.digest);
    assert.deepEqual(left.sort(), [DIGEST, digestOf(coming)].sort());
    await store.delete(DIGEST);
    await store.delete(DIGEST);
    assert.equal(await store.stat(DIGEST), undefined);
  });
}

function honest(): IngestRequest {
  return { digest: DIGEST, size: BYTES.length, source: pieces(BYTES) };
}

function pieces(bytes: Uint8Array): (offset: number) => AsyncIterable<Uint8Array> {
  return async function* (offset) {
    for (let at = offset; at < bytes.length; at += 1000) {
      await Promise.resolve();
      yield bytes.subarray(at, at + 1000);
    }
  };
}

async function* breaking(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  await Promise.resolve();
  yield bytes;
  throw new Error("cut");
}

async function* gated(gate: Promise<void>, bytes: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  await gate;
  yield* bytes;
}
