import type { ListMeta } from "../../api/meta-v1.gen.ts";
import { codeOf } from "../../base/coded-error.ts";
import { expiredStatus, StatusError } from "../../api/status.ts";
import { compareKeys } from "../../storage/key-order.ts";
import { prefixRange, type Storage } from "../../storage/storage.ts";
import { type ContinueToken, formatContinueToken } from "./list-pages.ts";
import { matches, type Predicate, takesAll } from "./predicate.ts";
import type { ResourceStore } from "./resource-store.ts";
import { type StoredObject, storedObjectOf } from "./stored-object.ts";

/** What a page is to hold. */
export interface PageRequest {
  readonly predicate: Predicate;
  readonly limit: number | undefined;
  readonly continue: ContinueToken | undefined;
  readonly freshness: Freshness;
}

/** How new a page has to be. */
export type Freshness =
  | { readonly kind: "newest" | "any" }
  | { readonly kind: "notOlderThan" | "exact"; readonly revision: number };

/** Objects in the order of their keys, and what a list says about itself. */
export interface Page {
  readonly objects: readonly StoredObject[];
  readonly metadata: ListMeta;
}

/**
 * Reads a page of a resource: from the watch cache, or from the storage where an exact revision is asked for, as with every
 * page but the first. Throws `StatusError` with code `Expired` where that revision is no longer kept.
 */
export async function readPage(storage: Storage, store: ResourceStore, request: PageRequest): Promise<Page> {
  const { freshness } = request;
  if (request.continue !== undefined) return await readStored(storage, request, request.continue);
  if (freshness.kind === "exact")
    return await readStored(storage, request, { revision: freshness.revision, after: "" });
  if (freshness.kind === "notOlderThan") await store.cache.waitFor(freshness.revision);
  if (freshness.kind === "newest") await store.cache.waitFor(await storage.revision());
  // Whoever takes any version gets all of it, as from any watch cache.
  return readCached(store, freshness.kind === "any" ? { ...request, limit: undefined } : request);
}

const CHUNK = 500;

function readCached(store: ResourceStore, { predicate, limit }: PageRequest): Page {
  const { revision, objects } = store.cache.snapshot();
  const first = lowerBound(objects, predicate.keyPrefix);
  const found: StoredObject[] = [];
  let index = first;
  for (; index < objects.length && found.length <= (limit ?? Infinity); index++) {
    const stored = objects[index];
    if (stored === undefined || !stored.key.startsWith(predicate.keyPrefix)) break;
    if (matches(predicate, stored)) found.push(stored);
  }
  const isCut = limit !== undefined && found.length > limit;
  if (!isCut) return pageOf(found, revision);
  found.pop();
  const total = takesAll(predicate)
    ? lowerBound(objects, prefixRange(predicate.keyPrefix).rangeEnd) - first
    : undefined;
  return pageOf(found, revision, { remaining: total === undefined ? undefined : total - found.length });
}

async function readStored(storage: Storage, request: PageRequest, from: ContinueToken): Promise<Page> {
  const { predicate, limit = Infinity } = request;
  const { rangeEnd } = prefixRange(predicate.keyPrefix);
  const found: StoredObject[] = [];
  let key = from.after === "" ? predicate.keyPrefix : `${from.after}\0`;
  for (;;) {
    const chunk = await storage
      .range({ key, rangeEnd, revision: from.revision, limit: Math.min(CHUNK, limit + 1) })
      .catch((error: unknown) => {
        throw readError(error);
      });
    for (const [index, kv] of chunk.kvs.entries()) {
      const stored = storedObjectOf(kv);
      if (!matches(predicate, stored)) continue;
      if (found.length < limit) found.push(stored);
      else return pageOf(found, from.revision, { remaining: takesAll(predicate) ? chunk.count - index : undefined });
    }
    const last = chunk.kvs.at(-1);
    if (!chunk.more || last === undefined) return pageOf(found, from.revision);
    key = `${last.key}\0`;
  }
}

function pageOf(
  objects: readonly StoredObject[],
  revision: number,
  more?: { readonly remaining: number | undefined },
): Page {
  const last = objects.at(-1);
  const metadata: ListMeta = { resourceVersion: String(revision) };
  if (more === undefined || last === undefined) return { objects, metadata };
  metadata.continue = formatContinueToken({ revision, after: last.key });
  if (more.remaining !== undefined) metadata.remainingItemCount = more.remaining;
  return { objects, metadata };
}

function readError(error: unknown): unknown {
  if (codeOf(error) === "COMPACTED") {
    return expiredStatus(
      "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.",
    );
  }
  if (codeOf(error) === "FUTURE_REVISION") return new StatusError("Timeout", "Timeout: Too large resource version");
  return error;
}

function lowerBound(objects: readonly StoredObject[], key: string): number {
  let low = 0;
  let high = objects.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(objects[middle]?.key ?? "", key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
