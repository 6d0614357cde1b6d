import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { unknownPathStatus } from "../../api/status.ts";
import type { Logger } from "../../base/log.ts";
import type { Storage } from "../../storage/storage.ts";
import { ResourceStore } from "./resource-store.ts";

/** The store of every served kind. */
export class Stores {
  readonly #stores = new Map<string, ResourceStore>();
  readonly #storage: Storage;
  readonly #logger: Logger;

  constructor(storage: Storage, logger: Logger) {
    this.#storage = storage;
    this.#logger = logger;
  }

  /** Makes the store of a kind. Its objects end `ttlSeconds` after their last change. */
  add(type: ResourceType, ttlSeconds?: number): ResourceStore {
    const store = new ResourceStore({ type, storage: this.#storage, logger: this.#logger, ttlSeconds });
    this.#stores.set(keyOf(type), store);
    return store;
  }

  /** Returns the store of a kind. Throws `StatusError` with code `NotFound` where it is not served. */
  of<T extends KubernetesObject>(type: ResourceType<T>): ResourceStore<T> {
    const store = this.#stores.get(keyOf(type));
    if (store === undefined) throw unknownPathStatus();
    // The store was made for this very kind; a map of all kinds cannot say so.
    return store as unknown as ResourceStore<T>;
  }

  /** Returns how many objects there are of each kind, as in `pods` and `leases.coordination.k8s.io`. */
  *objectCounts(): Generator<readonly [resource: string, count: number]> {
    for (const { type, cache } of this.#stores.values()) {
      const resource = type.group === "" ? type.plural : `${type.plural}.${type.group}`;
      yield [resource, cache.snapshot().objects.length];
    }
  }

  /** Loads every kind's objects. */
  async start(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(async ({ cache }) => await cache.start()));
  }

  /** Ends every watch. */
  async close(): Promise<void> {
    await Promise.all([...this.#stores.values()].map(async ({ cache }) => await cache.close()));
  }
}

function keyOf({ group, plural }: Pick<ResourceType, "group" | "plural">): string {
  return `${group}/${plural}`;
}
