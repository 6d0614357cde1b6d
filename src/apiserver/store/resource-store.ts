import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { alreadyExistsStatus, conflictStatus, notFoundStatus, StatusError } from "../../api/status.ts";
import type { Logger } from "../../base/log.ts";
import type { Operation, Storage } from "../../storage/storage.ts";
import { LeasePool } from "./lease-pool.ts";
import { isSameJson } from "./same-json.ts";
import { atRevision, encodeForStorage, StoredObject, storedObjectOf } from "./stored-object.ts";
import { WatchCache } from "./watch-cache.ts";

/** Which object is meant; without `namespace` in resources that have none. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What becomes of an object. */
export type Mutation<T> =
  | { readonly outcome: "write"; readonly object: T }
  | { readonly outcome: "remove"; readonly object?: T }
  | { readonly outcome: "keep" };

/** What a mutation did: the object's last or present state, and whether it is gone. */
export interface Mutated<T extends KubernetesObject = KubernetesObject> {
  readonly stored: StoredObject<T>;
  readonly isGone: boolean;
}

/** How a resource is kept. */
export interface ResourceStoreOptions<T extends KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly storage: Storage;
  readonly logger: Logger;
  /** Objects end so long after their last change; absent for ever. */
  readonly ttlSeconds?: number | undefined;
}

/** All objects of one resource: consistent reads from the watch cache, optimistic writes to the storage. */
export class ResourceStore<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly cache: WatchCache<T>;
  readonly #storage: Storage;
  readonly #prefix: string;
  readonly #leases: LeasePool | undefined;

  constructor({ type, storage, logger, ttlSeconds }: ResourceStoreOptions<T>) {
    this.type = type;
    this.#storage = storage;
    this.#prefix = `/registry/${type.group === "" ? "" : `${type.group}/`}${type.plural}/`;
    this.#leases = ttlSeconds === undefined ? undefined : new LeasePool(storage, ttlSeconds);
    this.cache = new WatchCache<T>({ storage, logger, prefix: this.#prefix });
  }

  /** Returns the prefix of the keys of a namespace, or of all. */
  prefixOf(namespace: string | undefined): string {
    return namespace === undefined || !this.type.namespaced ? this.#prefix : `${this.#prefix}${namespace}/`;
  }

  /** Returns an object as it is after every write acknowledged before. Throws `StatusError` with code `NotFound`. */
  async get(target: ObjectName): Promise<StoredObject<T>> {
    await this.cache.waitFor(await this.#storage.revision());
    const stored = this.cache.get(this.#keyOf(target));
    if (stored === undefined) throw notFoundStatus(this.type, target.name);
    return stored;
  }

  /** Stores a new object. Throws `StatusError` with code `AlreadyExists`. */
  async create(target: ObjectName, object: T): Promise<StoredObject<T>> {
    const key = this.#keyOf(target);
    const { succeeded, revision } = await this.#storage.txn({
      compares: [{ key, modRevision: 0 }],
      success: [await this.#putOf(key, object)],
      failure: [],
    });
    if (!succeeded) throw alreadyExistsStatus(this.type, target.name);
    return new StoredObject(key, revision, atRevision(object, revision));
  }

  /**
   * Does to an object what `decide` says about its newest state, asking again where somebody else was quicker. Writes
   * nothing where nothing changed. Throws `StatusError` with code `NotFound`, and what `decide` throws about the newest state.
   */
  async mutate(target: ObjectName, decide: (stored: StoredObject<T>) => Promise<Mutation<T>>): Promise<Mutated<T>> {
    const key = this.#keyOf(target);
    const cached = this.cache.get(key);
    let candidate: Candidate<T> =
      cached === undefined ? { stored: await this.#read(key), isNewest: true } : { stored: cached, isNewest: false };
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { stored, isNewest } = candidate;
      if (stored === undefined) throw notFoundStatus(this.type, target.name);
      try {
        const swap = await this.#swap(stored, await decide(stored));
        if ("mutated" in swap) return swap.mutated;
        candidate = swap;
      } catch (error) {
        // What fails on the cached state may have failed because it is old.
        if (isNewest || !(error instanceof StatusError)) throw error;
        candidate = { stored: await this.#read(key), isNewest: true };
      }
    }
    throw conflictStatus(this.type, target.name);
  }

  #keyOf({ namespace, name }: ObjectName): string {
    return `${this.prefixOf(namespace)}${name}`;
  }

  async #putOf(key: string, object: T): Promise<Operation> {
    const value = encodeForStorage(object);
    const lease = await this.#leases?.lease();
    return { kind: "put", key, value, ...(lease === undefined ? {} : { lease }) };
  }

  async #swap(
    stored: StoredObject<T>,
    mutation: Mutation<T>,
  ): Promise<{ readonly mutated: Mutated<T> } | Candidate<T>> {
    const { key } = stored;
    if (mutation.outcome === "keep") return { mutated: { stored, isGone: false } };
    const object = mutation.object ?? stored.object;
    const isGone = mutation.outcome === "remove";
    if (!isGone && isUnchanged(object, stored.object)) return { mutated: { stored, isGone } };
    const { succeeded, revision, responses } = await this.#storage.txn({
      compares: [{ key, modRevision: stored.revision }],
      success: [isGone ? { kind: "delete", key } : await this.#putOf(key, object)],
      failure: [{ kind: "range", key }],
    });
    if (succeeded)
      return { mutated: { stored: new StoredObject(key, revision, atRevision(object, revision)), isGone } };
    const kv = responses[0]?.kind === "range" ? responses[0].kvs[0] : undefined;
    return { stored: kv === undefined ? undefined : storedObjectOf<T>(kv), isNewest: true };
  }

  async #read(key: string): Promise<StoredObject<T> | undefined> {
    const [kv] = (await this.#storage.range({ key })).kvs;
    return kv === undefined ? undefined : storedObjectOf<T>(kv);
  }
}

// Somebody else wins each round, so the object as a whole makes progress; but a request must end.
const MAX_ROUNDS = 100;

/** A state to try a mutation on; absent where the object does not exist. */
interface Candidate<T extends KubernetesObject> {
  readonly stored: StoredObject<T> | undefined;
  /** Whether it came from the storage rather than the cache. */
  readonly isNewest: boolean;
}

function isUnchanged(object: KubernetesObject, before: KubernetesObject): boolean {
  const resourceVersion = before.metadata?.resourceVersion;
  return isSameJson({ ...object, metadata: { ...object.metadata, resourceVersion } }, before);
}
