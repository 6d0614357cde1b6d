import type { KubernetesObject } from "../api/kubernetes-object.ts";
import type { ResourceType } from "../api/resource-types.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { type Lister, ObjectCache, keyOf, objectKeyOf } from "./lister.ts";
import { type ReflectorSink, type Selection, reflect } from "./reflector.ts";
import type { RestClient } from "./rest-client.ts";

/** Which objects an informer mirrors, and what it uses. */
export interface InformerOptions extends Selection {
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * What a subscriber is told, in order and in the turn the event arrives in. Changes that were missed between two connections are
 * told as one. An object that was deleted and made anew under its name is told as `onDelete`, then `onAdd`.
 */
interface InformerHandler<T> {
  onAdd?(object: T): void;
  onUpdate?(old: T, object: T): void;
  onDelete?(object: T): void;
}

/** A mirror of some of a resource's objects, shared by any number of subscribers. */
export interface Informer<T> {
  /** Mirrors until `signal` aborts. Never throws. Once per informer. */
  run(signal: AbortSignal): Promise<void>;
  /** Resolves when all initial objects are in the cache and were told to the subscribers. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  readonly lister: Lister<T>;
  /** Adds a subscriber, which is told of the objects already there at once; returns what removes it. */
  subscribe(handler: InformerHandler<T>): () => void;
}

/** Returns an informer that does nothing until it runs. */
export function createInformer<T extends KubernetesObject>(
  client: RestClient,
  type: ResourceType<T>,
  options: InformerOptions = {},
): Informer<T> {
  return new CachingInformer(client, type, options);
}

class CachingInformer<T extends KubernetesObject> implements Informer<T>, ReflectorSink<T> {
  readonly #client: RestClient;
  readonly #type: ResourceType<T>;
  readonly #options: InformerOptions;
  readonly #logger: Logger;
  readonly #cache = new ObjectCache<T>();
  readonly #handlers = new Set<InformerHandler<T>>();
  readonly #synced = Promise.withResolvers<void>();
  #isSynced = false;

  constructor(client: RestClient, type: ResourceType<T>, options: InformerOptions) {
    this.#client = client;
    this.#type = type;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  get lister(): Lister<T> {
    return this.#cache;
  }

  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, ...selection } = this.#options;
    await reflect({
      client: this.#client,
      type: this.#type,
      selection,
      sink: this,
      signal,
      ...(clock !== undefined && { clock }),
      ...(logger !== undefined && { logger }),
    });
  }

  subscribe(handler: InformerHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#cache.list()) this.#tell([handler], (each) => each.onAdd?.(object));
    return () => {
      this.#handlers.delete(handler);
    };
  }

  replace(objects: readonly T[]): void {
    const present = new Set(objects.map((object) => keyOf(objectKeyOf(object))));
    const gone = this.#cache.list().filter((object) => !present.has(keyOf(objectKeyOf(object))));
    for (const object of gone) this.remove(object);
    for (const object of objects) this.put(object);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  put(object: T): void {
    const old = this.#cache.get(objectKeyOf(object));
    if (old !== undefined && isSameVersion(old, object)) return;
    if (old !== undefined && old.metadata?.uid !== object.metadata?.uid) {
      this.remove(old);
      this.put(object);
      return;
    }
    this.#cache.set(object);
    if (old === undefined) this.#tell(this.#handlers, (each) => each.onAdd?.(object));
    else this.#tell(this.#handlers, (each) => each.onUpdate?.(old, object));
  }

  remove(object: T): void {
    if (this.#cache.delete(objectKeyOf(object)) === undefined) return;
    this.#tell(this.#handlers, (each) => each.onDelete?.(object));
  }

  /** A subscriber that throws must not keep the event from the others. */
  #tell(handlers: Iterable<InformerHandler<T>>, call: (handler: InformerHandler<T>) => void): void {
    for (const handler of Array.from(handlers)) {
      try {
        call(handler);
      } catch (error) {
        this.#logger.error({ resource: this.#type.plural, error: messageOf(error) }, "an informer's subscriber failed");
      }
    }
  }
}

function isSameVersion(a: KubernetesObject, b: KubernetesObject): boolean {
  return a.metadata?.uid === b.metadata?.uid && a.metadata?.resourceVersion === b.metadata?.resourceVersion;
}
