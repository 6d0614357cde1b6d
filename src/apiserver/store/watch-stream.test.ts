import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../base/log.ts";
import { MemoryStorage } from "../../storage/memory/memory-storage.ts";
import { waitUntil } from "../../testing/wait-until.ts";
import { CONFIG_MAPS } from "../../api/resource-types.ts";
import { ResourceStore } from "./resource-store.ts";
import { WatchStream } from "./watch-stream.ts";

const text = new TextEncoder();

async function openStore() {
  const storage = new MemoryStorage();
  const store = new ResourceStore({ type: CONFIG_MAPS, storage, logger: silentLogger });
  await store.cache.start();
  return { storage, store };
}

function streamOf(store: ResourceStore, start: "all" | number): WatchStream {
  return new WatchStream({
    cache: store.cache,
    predicate: { keyPrefix: store.prefixOf(undefined), labels: [], fields: [], selectableFields: () => ({}) },
    encoder: {
      contentType: "text/plain",
      event: ({ type, stored }) => text.encode(`${type} ${stored.object.metadata?.name}`),
      bookmark: () => text.encode("BOOKMARK"),
      error: (error) => text.encode(`ERROR ${error.reason}`),
    },
    start,
    marksInitialEnd: false,
    wantsBookmarks: false,
    timeoutMs: 10_000,
  });
}

const ENDLESS_SINK = { offer: () => true, flushed: () => Promise.resolve() };

const create = async (store: ResourceStore, name: string) =>
  await store.create({ namespace: "t", name }, { metadata: { name, namespace: "t" } });

test("a client that cannot keep up is cut off where its queue is full, without a gap before", async () => {
  const { storage, store } = await openStore();
  const taken: string[] = [];
  const sink = {
    offer: (chunk: Uint8Array) => taken.length < 2 && taken.push(Buffer.from(chunk).toString()) > 0,
    flushed: () => Promise.resolve(),
  };
  const writing = streamOf(store, "all").write(sink, AbortSignal.timeout(5000));
  const refused = assert.rejects(writing, /too slow/);
  for (const name of ["a", "b", "c", "d"]) await create(store, name);
  await refused;
  assert.deepEqual(taken, ["ADDED a", "ADDED b"]);
  await store.cache.close();
  await storage[Symbol.asyncDispose]();
});

test("a watch from before the window is told that its version expired", async () => {
  const { storage, store } = await openStore();
  const first = await create(store, "a");
  for (let round = 0; round < 2100; round++) await create(store, `n${round}`);
  await waitUntil("the cache is up to date", async () => store.cache.revision >= (await storage.revision()));
  const taken: string[] = [];
  const sink = {
    offer: (chunk: Uint8Array) => taken.push(Buffer.from(chunk).toString()) > 0,
    flushed: () => Promise.resolve(),
  };
  await streamOf(store, first.revision).write(sink, AbortSignal.timeout(5000));
  assert.deepEqual(taken, ["ERROR Expired"]);
  await store.cache.close();
  await storage[Symbol.asyncDispose]();
});

test("when the storage's watch breaks off, watches end and the cache then holds the truth again", async () => {
  const storage = new MemoryStorage({ watchCapacity: 5 });
  const store = new ResourceStore({ type: CONFIG_MAPS, storage, logger: silentLogger });
  await store.cache.start();
  const watching = streamOf(store, "all").write(ENDLESS_SINK, AbortSignal.timeout(5000));
  // More at once than the storage keeps for a reader.
  await Promise.all(Array.from({ length: 30 }, (_, index) => create(store, `n${index}`)));
  await watching;
  const revision = await storage.revision();
  await waitUntil("the cache is loaded anew", () => store.cache.revision >= revision, { intervalMs: 10 });
  assert.equal(store.cache.snapshot().objects.length, 30);
  await store.cache.close();
  await storage[Symbol.asyncDispose]();
});
