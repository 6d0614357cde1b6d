import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { keyOf } from "./storage-event.ts";
import { prefixRange, type Storage, type StorageErrorCode, type WatchBatch, type WatchRequest } from "./storage.ts";

/** Opens a fresh, empty store. `watchCapacity` bounds how far a watch may fall behind. */
export type StorageOpener = (options?: { readonly watchCapacity?: number }) => Promise<Storage>;

/** The contract of `Storage` as tests. Each implementation runs it. */
export function storageSuite(name: string, open: StorageOpener): void {
  describe(name, () => {
    describe("transactions", () => transactions(open));
    describe("ranges", () => ranges(open));
    describe("compaction", () => compaction(open));
    describe("watches", () => watches(open));
    describe("leases", () => leases(open));
  });
}

function transactions(open: StorageOpener): void {
  test("a put is found at its own revision", async () => {
    await using storage = await open();
    const revision = await put(storage, "/a", "1");
    const { kvs } = await storage.range({ key: "/a" });
    assert.deepEqual(kvs.map(plain), [
      { key: "/a", value: "1", createRevision: revision, modRevision: revision, version: 1 },
    ]);
  });

  test("each transaction that changes something takes the next revision", async () => {
    await using storage = await open();
    const first = await put(storage, "/a", "1");
    assert.equal(await put(storage, "/a", "2"), first + 1);
    assert.equal(await storage.revision(), first + 1);
  });

  test("a transaction that changes nothing takes no revision", async () => {
    await using storage = await open();
    const revision = await put(storage, "/a", "1");
    const response = await storage.txn({ compares: [], success: [{ kind: "delete", key: "/none" }], failure: [] });
    assert.deepEqual(response, { succeeded: true, revision, responses: [{ kind: "delete", deleted: [] }] });
  });

  test("all changes of a transaction share one revision", async () => {
    await using storage = await open();
    await storage.txn({ compares: [], success: [putOf("/a", "1"), putOf("/b", "2")], failure: [] });
    const { kvs, revision } = await storage.range(prefixRange("/"));
    assert.deepEqual(
      kvs.map((kv) => kv.modRevision),
      [revision, revision],
    );
  });

  test("create-if-absent succeeds once", async () => {
    await using storage = await open();
    const create = () =>
      storage.txn({
        compares: [{ key: "/a", modRevision: 0 }],
        success: [putOf("/a", "1")],
        failure: [{ kind: "range", key: "/a" }],
      });
    const results = await Promise.all([create(), create(), create()]);
    assert.deepEqual(
      results.map((result) => result.succeeded),
      [true, false, false],
    );
    const [refused] = (results[2] ?? assert.fail()).responses;
    assert.equal(refused?.kind === "range" && text(refused.kvs[0]?.value), "1");
  });

  test("of concurrent writers that compare the same revision one wins", async () => {
    await using storage = await open();
    const modRevision = await put(storage, "/a", "0");
    const writes = Array.from({ length: 20 }, (_, index) =>
      storage.txn({ compares: [{ key: "/a", modRevision }], success: [putOf("/a", String(index))], failure: [] }),
    );
    const won = (await Promise.all(writes)).filter((result) => result.succeeded);
    assert.equal(won.length, 1);
    const { kvs } = await storage.range({ key: "/a" });
    assert.equal(kvs[0]?.version, 2);
  });

  test("a key created again counts its versions anew", async () => {
    await using storage = await open();
    await put(storage, "/a", "1");
    await put(storage, "/a", "2");
    await remove(storage, "/a");
    const revision = await put(storage, "/a", "3");
    const { kvs } = await storage.range({ key: "/a" });
    assert.deepEqual(kvs.map(plain), [
      { key: "/a", value: "3", createRevision: revision, modRevision: revision, version: 1 },
    ]);
  });

  test("delete of a range returns what it deleted", async () => {
    await using storage = await open();
    for (const key of ["/a/1", "/a/2", "/b/1"]) await put(storage, key, key);
    const { responses } = await storage.txn({
      compares: [],
      success: [{ kind: "delete", ...prefixRange("/a/") }],
      failure: [],
    });
    assert.deepEqual(responses[0]?.kind === "delete" && responses[0].deleted.map((kv) => text(kv.value)), [
      "/a/1",
      "/a/2",
    ]);
    assert.equal((await storage.range(prefixRange("/"))).count, 1);
  });

  test("a transaction that changes a key twice is refused and changes nothing", async () => {
    await using storage = await open();
    const twice = [
      [putOf("/a", "1"), putOf("/a", "2")],
      [putOf("/a", "1"), { kind: "delete", ...prefixRange("/") } as const],
    ];
    for (const success of twice) {
      await rejects(storage.txn({ compares: [], success, failure: [] }), "DUPLICATE_KEY");
    }
    assert.equal((await storage.range(prefixRange("/"))).count, 0);
  });

  test("a range inside a transaction sees the changes before it", async () => {
    await using storage = await open();
    const { responses } = await storage.txn({
      compares: [],
      success: [putOf("/a", "1"), { kind: "range", key: "/a" }],
      failure: [],
    });
    assert.equal(responses[1]?.kind === "range" && text(responses[1].kvs[0]?.value), "1");
  });

  test("values of any bytes come back as they were", async () => {
    await using storage = await open();
    const value = Uint8Array.from({ length: 256 }, (_, index) => index);
    await storage.txn({
      compares: [],
      success: [{ kind: "put", key: "/a", value: Buffer.from(value).subarray(0) }, putOf("/b", "")],
      failure: [],
    });
    const { kvs } = await storage.range(prefixRange("/"));
    assert.deepEqual(
      kvs.map((kv) => [...kv.value]),
      [[...value], []],
    );
  });

  test("a closed store refuses everything with CLOSED", async () => {
    const storage = await open();
    await storage[Symbol.asyncDispose]();
    await rejects(storage.range({ key: "/a" }), "CLOSED");
    await rejects(storage.txn({ compares: [], success: [], failure: [] }), "CLOSED");
    await rejects(storage.revision(), "CLOSED");
    await rejects(collect(storage, { key: "/a" }, 1), "CLOSED");
  });
}

function ranges(open: StorageOpener): void {
  test("keys come in the order of their UTF-8 bytes", async () => {
    await using storage = await open();
    const keys = ["/a", "/a/b", "/a-b", "/aé", "/a\u{ffff}", "/a\u{10000}"];
    for (const key of keys.toReversed()) await put(storage, key, "");
    const { kvs } = await storage.range(prefixRange("/"));
    const expected = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(
      kvs.map((kv) => kv.key),
      expected,
    );
  });

  test("a prefix does not reach its neighbours", async () => {
    await using storage = await open();
    for (const key of ["/pods/", "/pods/a", "/pods0", "/podsx/a"]) await put(storage, key, "");
    const { kvs } = await storage.range(prefixRange("/pods/"));
    assert.deepEqual(
      kvs.map((kv) => kv.key),
      ["/pods/", "/pods/a"],
    );
  });

  test("limit cuts the answer, more says so, count does not care", async () => {
    await using storage = await open();
    for (const key of ["/a", "/b", "/c"]) await put(storage, key, "");
    const page = await storage.range({ ...prefixRange("/"), limit: 2 });
    assert.deepEqual([page.kvs.map((kv) => kv.key), page.more, page.count], [["/a", "/b"], true, 3]);
    const whole = await storage.range({ ...prefixRange("/"), limit: 3 });
    assert.deepEqual([whole.kvs.length, whole.more, whole.count], [3, false, 3]);
  });

  test("keysOnly leaves values out, countOnly leaves keys out", async () => {
    await using storage = await open();
    await put(storage, "/a", "value");
    const keys = await storage.range({ ...prefixRange("/"), keysOnly: true });
    assert.deepEqual(
      keys.kvs.map((kv) => [kv.key, kv.value.byteLength]),
      [["/a", 0]],
    );
    const count = await storage.range({ ...prefixRange("/"), countOnly: true });
    assert.deepEqual([count.kvs, count.count, count.more], [[], 1, false]);
  });

  test("pages of an old revision hold what was there, whatever happened since", async () => {
    await using storage = await open();
    for (const key of ["/a", "/b", "/c"]) await put(storage, key, "old");
    const first = await storage.range({ ...prefixRange("/"), limit: 1 });
    await put(storage, "/b", "new");
    await remove(storage, "/c");
    await put(storage, "/d", "new");
    const rest = await storage.range({ key: "/a\0", rangeEnd: "0", revision: first.revision });
    assert.deepEqual(
      rest.kvs.map((kv) => [kv.key, text(kv.value)]),
      [
        ["/b", "old"],
        ["/c", "old"],
      ],
    );
    assert.equal(rest.revision, first.revision + 3);
  });

  test("a revision that has not happened is refused with FUTURE_REVISION", async () => {
    await using storage = await open();
    const revision = await put(storage, "/a", "1");
    await rejects(storage.range({ key: "/a", revision: revision + 1 }), "FUTURE_REVISION");
  });
}

function compaction(open: StorageOpener): void {
  test("what is current at the compacted revision stays readable, what is older does not", async () => {
    await using storage = await open();
    const first = await put(storage, "/a", "1");
    await put(storage, "/gone", "x");
    await remove(storage, "/gone");
    const kept = await put(storage, "/a", "2");
    await put(storage, "/a", "3");
    await storage.compact(kept);
    await rejects(storage.range({ key: "/a", revision: first }), "COMPACTED");
    const { kvs } = await storage.range({ ...prefixRange("/"), revision: kept });
    assert.deepEqual(
      kvs.map((kv) => [kv.key, text(kv.value)]),
      [["/a", "2"]],
    );
    assert.equal(text((await storage.range({ key: "/a" })).kvs[0]?.value), "3");
    assert.equal((await storage.status()).compactRevision, kept);
  });

  test("a key untouched since before the compaction stays", async () => {
    await using storage = await open();
    const created = await put(storage, "/old", "1");
    for (let round = 0; round < 5; round++) await put(storage, "/busy", String(round));
    await storage.compact(await storage.revision());
    const { kvs } = await storage.range({ key: "/old" });
    assert.equal(kvs[0]?.createRevision, created);
  });

  test("compacting twice at one revision is refused with COMPACTED, ahead of time with FUTURE_REVISION", async () => {
    await using storage = await open();
    const revision = await put(storage, "/a", "1");
    await storage.compact(revision);
    await rejects(storage.compact(revision), "COMPACTED");
    await rejects(storage.compact(revision + 1), "FUTURE_REVISION");
  });

  test("a watch from a compacted revision is refused with COMPACTED, from the next one it works", async () => {
    await using storage = await open();
    await put(storage, "/a", "1");
    const revision = await remove(storage, "/a");
    await put(storage, "/a", "2");
    await storage.compact(revision);
    await rejects(collect(storage, { key: "/a", startRevision: revision }, 1), "COMPACTED");
    assert.deepEqual(await collect(storage, { key: "/a", startRevision: revision + 1 }, 1), ["put /a=2"]);
  });

  test("compaction does not disturb a running watch", async () => {
    await using storage = await open();
    const start = (await put(storage, "/a", "0")) + 1;
    const seen = collect(storage, { key: "/a", startRevision: start }, 3);
    for (const value of ["1", "2", "3"]) await storage.compact(await put(storage, "/a", value));
    assert.deepEqual(await seen, ["put /a=1", "put /a=2", "put /a=3"]);
  });
}

function watches(open: StorageOpener): void {
  test("a watch from a revision gets history and what follows, each change once, in order", async () => {
    await using storage = await open();
    const startRevision = await put(storage, "/a/0", "0");
    for (let round = 1; round < 50; round++) await put(storage, `/a/${round % 7}`, String(round));
    const seen = collect(storage, { ...prefixRange("/a/"), startRevision }, 100);
    const writes = Array.from({ length: 50 }, (_, index) => put(storage, `/a/${index % 7}`, String(50 + index)));
    await Promise.all(writes);
    assert.deepEqual(
      (await seen).map((line) => Number(line.split("=")[1])),
      Array.from({ length: 100 }, (_, n) => n),
    );
  });

  test("a watch without a start sees only what comes after it was opened", async () => {
    await using storage = await open();
    await put(storage, "/a", "before");
    const seen = collect(storage, { key: "/a" }, 1);
    await put(storage, "/a", "after");
    assert.deepEqual(await seen, ["put /a=after"]);
  });

  test("a watch from a future revision waits for it", async () => {
    await using storage = await open();
    const revision = await put(storage, "/a", "1");
    const seen = collect(storage, { key: "/a", startRevision: revision + 3 }, 1);
    for (const value of ["2", "3", "4"]) await put(storage, "/a", value);
    assert.deepEqual(await seen, ["put /a=4"]);
  });

  test("a watch sees its range only, deletions included", async () => {
    await using storage = await open();
    const seen = collect(storage, prefixRange("/a/"), 2);
    await put(storage, "/b/1", "x");
    await put(storage, "/a/1", "y");
    await put(storage, "/a0", "z");
    await remove(storage, "/a/1");
    assert.deepEqual(await seen, ["put /a/1=y", "delete /a/1"]);
  });

  test("previous values come where they are asked for", async () => {
    await using storage = await open();
    const startRevision = await put(storage, "/a", "1");
    await put(storage, "/a", "2");
    const batches = storage.watch({ key: "/a", startRevision, previous: true }, AbortSignal.timeout(5000));
    setImmediate(() => void remove(storage, "/a"));
    const previous: (string | undefined)[] = [];
    for await (const { events } of batches) {
      previous.push(...events.map((event) => event.previous && text(event.previous.value)));
      if (previous.length === 3) break;
    }
    assert.deepEqual(previous, [undefined, "1", "2"]);
  });

  test("the changes of one transaction arrive in one batch", async () => {
    await using storage = await open();
    const batches = storage.watch(prefixRange("/"), AbortSignal.timeout(5000))[Symbol.asyncIterator]();
    await storage.txn({ compares: [], success: [putOf("/a", "1"), putOf("/b", "2")], failure: [] });
    const { value } = await batches.next();
    assert.equal((value as WatchBatch).events.length, 2);
    await batches.return?.();
  });

  test("progress tells that nothing of the range was missed", async () => {
    await using storage = await open();
    const batches = storage.watch({ key: "/a", progress: true }, AbortSignal.timeout(5000));
    const revision = await put(storage, "/other", "1");
    for await (const batch of batches) {
      assert.deepEqual(batch.events, []);
      if (batch.revision >= revision) return;
    }
    assert.fail("no progress came");
  });

  test("a reader that falls too far behind is ended with SLOW_WATCHER after a gapless start", async () => {
    await using storage = await open({ watchCapacity: 3 });
    const batches = storage.watch({ key: "/a" }, AbortSignal.timeout(5000));
    for (let round = 0; round < 10; round++) await put(storage, "/a", String(round));
    const seen: string[] = [];
    await rejects(
      (async () => {
        for await (const batch of batches) seen.push(...linesOf(batch));
      })(),
      "SLOW_WATCHER",
    );
    assert.deepEqual(seen, ["put /a=0", "put /a=1", "put /a=2"]);
  });

  test("a watch ends when its signal aborts and when the store closes", async () => {
    const storage = await open();
    const controller = new AbortController();
    const aborted = collect(storage, { key: "/a" }, 1, controller.signal);
    const closed = collect(storage, { key: "/a" }, 1);
    controller.abort();
    assert.deepEqual(await aborted, []);
    await Promise.all([rejects(closed, "CLOSED"), storage[Symbol.asyncDispose]()]);
  });
}

function leases(open: StorageOpener): void {
  test("the keys of a lease are deleted together when its time is over, and watches see it", async () => {
    await using storage = await open();
    const lease = await storage.grantLease(0.2);
    await storage.txn({ compares: [], success: [putOf("/a", "1", lease), putOf("/b", "2", lease)], failure: [] });
    await put(storage, "/c", "3");
    const seen = await collect(storage, { ...prefixRange("/"), startRevision: 1 }, 5);
    assert.deepEqual(seen.slice(3).toSorted(), ["delete /a", "delete /b"]);
    const { kvs } = await storage.range(prefixRange("/"));
    assert.deepEqual(
      kvs.map((kv) => kv.key),
      ["/c"],
    );
    await rejects(storage.keepLeaseAlive(lease), "LEASE_NOT_FOUND");
  });

  test("a lease that is kept alive lives on", async () => {
    await using storage = await open();
    const lease = await storage.grantLease(0.4);
    await storage.txn({ compares: [], success: [putOf("/a", "1", lease)], failure: [] });
    for (let round = 0; round < 4; round++) {
      await delay(150);
      await storage.keepLeaseAlive(lease);
    }
    assert.equal((await storage.range({ key: "/a" })).kvs[0]?.lease, lease);
  });

  test("revoking a lease deletes its keys at once", async () => {
    await using storage = await open();
    const lease = await storage.grantLease(3600);
    await storage.txn({ compares: [], success: [putOf("/a", "1", lease)], failure: [] });
    await storage.revokeLease(lease);
    assert.equal((await storage.range({ key: "/a" })).count, 0);
    await rejects(storage.revokeLease(lease), "LEASE_NOT_FOUND");
  });

  test("a put without the lease takes the key out of it", async () => {
    await using storage = await open();
    const lease = await storage.grantLease(3600);
    await storage.txn({ compares: [], success: [putOf("/a", "1", lease)], failure: [] });
    await put(storage, "/a", "2");
    await storage.revokeLease(lease);
    assert.equal((await storage.range({ key: "/a" })).count, 1);
  });

  test("a put with an unknown lease is refused and changes nothing", async () => {
    await using storage = await open();
    const success = [putOf("/a", "1"), putOf("/b", "2", 4711)];
    await rejects(storage.txn({ compares: [], success, failure: [] }), "LEASE_NOT_FOUND");
    assert.equal((await storage.range(prefixRange("/"))).count, 0);
  });

  test("lease ids are not used twice", async () => {
    await using storage = await open();
    const first = await storage.grantLease(3600);
    await storage.revokeLease(first);
    assert.notEqual(await storage.grantLease(3600), first);
  });
}

function putOf(key: string, value: string, lease?: number) {
  return { kind: "put", key, value: Buffer.from(value), ...(lease === undefined ? {} : { lease }) } as const;
}

async function put(storage: Storage, key: string, value: string): Promise<number> {
  return (await storage.txn({ compares: [], success: [putOf(key, value)], failure: [] })).revision;
}

async function remove(storage: Storage, key: string): Promise<number> {
  return (await storage.txn({ compares: [], success: [{ kind: "delete", key }], failure: [] })).revision;
}

// The watch is opened before this returns; the promise gives the first `count` changes.
async function collect(
  storage: Storage,
  request: WatchRequest,
  count: number,
  signal: AbortSignal = AbortSignal.timeout(5000),
): Promise<string[]> {
  const lines: string[] = [];
  for await (const batch of storage.watch(request, signal)) {
    lines.push(...linesOf(batch));
    if (lines.length >= count) break;
  }
  return lines;
}

function linesOf(batch: WatchBatch): string[] {
  return batch.events.map((event) =>
    event.type === "put" ? `put ${keyOf(event)}=${text(event.kv.value)}` : `delete ${keyOf(event)}`,
  );
}

function text(value: Uint8Array | undefined): string {
  return value === undefined ? "(absent)" : Buffer.from(value).toString();
}

function plain(kv: { readonly value: Uint8Array }): object {
  return { ...kv, value: text(kv.value) };
}

async function rejects(promise: Promise<unknown>, code: StorageErrorCode): Promise<void> {
  await assert.rejects(promise, { name: "StorageError", code });
}
