import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { expiredStatus, timeoutStatus } from "../../api/status.ts";
import type { Logger } from "../../base/log.ts";
import { backoffDelay } from "../../base/retry.ts";
import { systemClock } from "../../base/clock.ts";
import { compareKeys } from "../../storage/key-order.ts";
import { prefixRange, type Storage, StorageError, type StorageEvent, type WatchBatch } from "../../storage/storage.ts";
import type { CacheEvent } from "./cache-event.ts";
import { atRevision, StoredObject, storedObjectOf } from "./stored-object.ts";

/** What a cache keeps and for how long. */
export interface WatchCacheOptions {
  readonly storage: Storage;
  /** Every key of the resource begins with it. */
  readonly prefix: string;
  readonly logger: Logger;
  /** Changes kept for watches that begin in the past. */
  readonly window?: number;
}

/** All objects of a resource at one revision, in the order of their keys. */
export interface CacheSnapshot<T extends KubernetesObject = KubernetesObject> {
  readonly revision: number;
  readonly objects: readonly StoredObject<T>[];
}

/** Told of changes, in order; `end` says that no more will come and the client should list anew. */
export interface CacheListener<T extends KubernetesObject = KubernetesObject> {
  change(event: CacheEvent<T>): void;
  end(): void;
}

/**
 * Every object of one resource, kept fresh by one watch of the storage. Lists and watches are served from here, so that
 * their number does not matter to the storage.
 */
export class WatchCache<T extends KubernetesObject = KubernetesObject> {
  readonly #options: WatchCacheOptions;
  readonly #objects = new Map<string, StoredObject<T>>();
  readonly #listeners = new Set<CacheListener<T>>();
  readonly #waiting = new Set<{ readonly revision: number; readonly resolve: () => void }>();
  readonly #stop = new AbortController();
  readonly #window: number;
  #events: CacheEvent<T>[] = [];
  #revision = 0;
  /** Changes after this revision are in `#events`. */
  #windowStart = 0;
  #sorted: readonly StoredObject<T>[] | undefined;
  #running: Promise<void> | undefined;

  constructor(options: WatchCacheOptions) {
    this.#options = options;
    this.#window = options.window ?? 1000;
  }

  /** Everything up to this revision is in the cache. */
  get revision(): number {
    return this.#revision;
  }

  /** Loads the objects and follows their changes until `close`. Throws where they cannot be read. */
  async start(): Promise<void> {
    const changes = await this.#load();
    this.#running = this.#follow(changes);
  }

  /** Ends every watch. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#endListeners();
    await this.#running;
  }

  get(key: string): StoredObject<T> | undefined {
    return this.#objects.get(key);
  }

  snapshot(): CacheSnapshot<T> {
    this.#sorted ??= [...this.#objects.values()].sort((a, b) => compareKeys(a.key, b.key));
    return { revision: this.#revision, objects: this.#sorted };
  }

  /** Resolves when the cache has seen `revision`. Throws `StatusError` with code `Timeout` after three seconds. */
  async waitFor(revision: number): Promise<void> {
    if (this.#revision >= revision) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { revision, resolve };
    this.#waiting.add(waiting);
    const timer = setTimeout(() => reject(tooNew(revision, this.#revision)), FRESHNESS_TIMEOUT_MS);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(waiting);
    }
  }

  /**
   * Tells `listener` of every change after `revision`, at once of those that happened already. Returns what stops it.
   * Throws `StatusError` with code `Expired` where such old changes are no longer kept.
   */
  subscribe(revision: number, listener: CacheListener<T>): () => void {
    if (revision < this.#windowStart) {
      throw expiredStatus(`too old resource version: ${revision} (${this.#windowStart})`);
    }
    for (const event of this.#events) if (event.revision > revision) listener.change(event);
    if (this.#stop.signal.aborted) listener.end();
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Returns an object as soon as it is there; undefined where it is not after `timeoutMs`. */
  async waitForObject(key: string, timeoutMs: number): Promise<StoredObject<T> | undefined> {
    const found = this.#objects.get(key);
    if (found !== undefined) return found;
    const { promise, resolve } = Promise.withResolvers<StoredObject<T> | undefined>();
    const change = ({ current }: CacheEvent<T>) => {
      if (current?.key === key) resolve(current);
    };
    const unsubscribe = this.subscribe(this.#revision, { change, end: () => resolve(undefined) });
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      unsubscribe();
    }
  }

  async #load(): Promise<AsyncIterable<WatchBatch>> {
    const { storage, prefix } = this.#options;
    const { kvs, revision } = await storage.range(prefixRange(prefix));
    this.#objects.clear();
    this.#sorted = undefined;
    for (const kv of kvs) this.#objects.set(kv.key, storedObjectOf<T>(kv));
    this.#events = [];
    this.#windowStart = revision;
    this.#advance(revision);
    const request = { ...prefixRange(prefix), startRevision: revision + 1, progress: true };
    return storage.watch(request, this.#stop.signal);
  }

  async #follow(first: AsyncIterable<WatchBatch>): Promise<void> {
    let changes: AsyncIterable<WatchBatch> | undefined = first;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
      try {
        changes ??= await this.#reload();
        for await (const batch of changes) {
          for (const event of batch.events) this.#apply(event);
          this.#advance(batch.revision);
          attempt = 0;
        }
      } catch (error) {
        if (error instanceof StorageError && error.code === "CLOSED") return this.#endListeners();
        await this.#pause(error, attempt);
      }
      changes = undefined;
    }
  }

  async #pause(error: unknown, attempt: number): Promise<void> {
    const { logger, prefix } = this.#options;
    if (this.#stop.signal.aborted) return;
    logger.warn({ error, prefix }, "the watch of the storage broke off");
    try {
      await systemClock.sleep(backoffDelay(attempt, RELOAD_BACKOFF), this.#stop.signal);
    } catch {
      // Closed meanwhile.
    }
  }

  // Changes were missed, so whoever watches has to list anew.
  async #reload(): Promise<AsyncIterable<WatchBatch>> {
    this.#endListeners();
    return await this.#load();
  }

  #apply(event: StorageEvent): void {
    const key = event.type === "put" ? event.kv.key : event.key;
    const previous = this.#objects.get(key);
    const revision = event.type === "put" ? event.kv.modRevision : event.modRevision;
    if (event.type === "put") this.#replace(key, storedObjectOf<T>(event.kv));
    else if (this.#objects.delete(key)) this.#sorted = undefined;
    const current = this.#objects.get(key);
    if (current === undefined && previous === undefined) return;
    this.#record({
      revision,
      ...(current === undefined ? {} : { current }),
      // A deletion is told with the object's last state at the revision of its end.
      ...(previous === undefined ? {} : { previous: current === undefined ? ended(previous, revision) : previous }),
    });
  }

  #replace(key: string, object: StoredObject<T>): void {
    this.#objects.set(key, object);
    this.#sorted = undefined;
  }

  #record(event: CacheEvent<T>): void {
    this.#events.push(event);
    // Trimmed rarely and by half, so that a change costs the same whatever the window.
    if (this.#events.length > 2 * this.#window) {
      const dropped = this.#events.splice(0, this.#window);
      this.#windowStart = dropped.at(-1)?.revision ?? this.#windowStart;
    }
    for (const listener of this.#listeners) listener.change(event);
  }

  #advance(revision: number): void {
    this.#revision = revision;
    for (const waiting of this.#waiting) if (revision >= waiting.revision) waiting.resolve();
  }

  #endListeners(): void {
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }
}

const FRESHNESS_TIMEOUT_MS = 3000;
const RELOAD_BACKOFF = { initialMs: 50, maxMs: 5000 } as const;

function ended<T extends KubernetesObject>(last: StoredObject<T>, revision: number): StoredObject<T> {
  return new StoredObject(last.key, revision, atRevision(last.object, revision));
}

function tooNew(wanted: number, current: number): Error {
  const message = `Too large resource version: ${wanted}, current: ${current}`;
  return timeoutStatus(message, 1);
}
