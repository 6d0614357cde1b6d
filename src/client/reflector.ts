import type { KubernetesObject } from "../api/kubernetes-object.ts";
import type { ResourceType } from "../api/resource-types.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { backoffDelay } from "../base/retry.ts";
import { keyOf, objectKeyOf } from "./lister.ts";
import type { ListOptions, RestClient, WatchEventOf } from "./rest-client.ts";
import { isExpired, isUnsupportedWatchList } from "./status-answer.ts";

/** Which objects to mirror. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Where a reflector puts what it sees. Called in the server's order, `replace` first. */
export interface ReflectorSink<T> {
  /** These are all objects there are. */
  replace(objects: readonly T[]): void;
  /** The object was made or changed. */
  put(object: T): void;
  remove(object: T): void;
}

/** What a reflector needs besides a place to put things. */
export interface ReflectorOptions<T extends KubernetesObject> {
  readonly client: RestClient;
  readonly type: ResourceType<T>;
  readonly selection?: Selection;
  readonly sink: ReflectorSink<T>;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * Mirrors a resource into a sink until `signal` aborts: initial objects (streamed where the server can), then every change, from
 * the last resource version after each interruption, and anew where that has expired. Never throws.
 */
export async function reflect<T extends KubernetesObject>(options: ReflectorOptions<T>): Promise<void> {
  const { signal, clock = systemClock, logger = silentLogger } = options;
  const reflector = new Reflector(options);
  let failures = 0;
  while (!signal.aborted) {
    const startedAt = clock.monotonic();
    const error = await reflector.run();
    const lastedLong = clock.monotonic() - startedAt >= LONG_MS;
    if (error === undefined && lastedLong) continue;
    if (lastedLong) failures = 0;
    const delayMs = backoffDelay(failures++, BACKOFF);
    const level = failures === TELLING_FAILURES ? "warn" : "debug";
    logger[level]({ resource: options.type.plural, error, retryInMs: Math.round(delayMs) }, "watch interrupted");
    await clock.sleep(delayMs, signal).catch(() => undefined);
  }
}

/** A watch that lasted as long as this worked: what ends it is a new trouble. */
const LONG_MS = 5_000;
/**
 * A server that starts, or comes back, should find its clients within a fraction of the time it was away; many of them must not come at
 * once.
 */
const BACKOFF = { initialMs: 50, maxMs: 10_000, factor: 1.3, jitter: 0.5 } as const;
/** So many in a row are no restart: said once, not at each of them. */
const TELLING_FAILURES = 15;
const PAGE_SIZE = 500;

class Reflector<T extends KubernetesObject> {
  readonly #options: ReflectorOptions<T>;
  /** The last resource version seen; absent until the first complete list, and after it has expired. */
  #resourceVersion: string | undefined;
  #streamsLists = true;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** Lists where that is needed, and watches until the watch ends; returns what went wrong, if anything did. */
  async run(): Promise<string | undefined> {
    try {
      if (this.#resourceVersion !== undefined) await this.#watchFrom(this.#resourceVersion);
      else if (this.#streamsLists) await this.#watchList();
      else await this.#listAndWatch();
      return undefined;
    } catch (error) {
      if (isExpired(error)) this.#resourceVersion = undefined;
      return messageOf(error);
    }
  }

  /** KEP-3157: the initial objects come as the first events of the watch, so that neither side holds the whole list as text. */
  async #watchList(): Promise<void> {
    const initial = new Map<string, T>();
    let isInitial = true;
    try {
      for await (const event of this.#watch({ sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" })) {
        if (!isInitial) this.#apply(event);
        else if (event.type === "BOOKMARK") {
          if (!event.initialEventsEnd) continue;
          isInitial = false;
          this.#replace([...initial.values()], event.resourceVersion);
          initial.clear();
        } else collect(initial, event);
      }
    } catch (error) {
      if (!isUnsupportedWatchList(error)) throw error;
      this.#streamsLists = false;
    }
  }

  async #listAndWatch(): Promise<void> {
    const { client, type } = this.#options;
    const objects: T[] = [];
    let page: ListOptions = { ...this.#options.selection, signal: this.#options.signal, limit: PAGE_SIZE };
    for (;;) {
      const list = await client.list(type, page);
      objects.push(...list.items);
      const next = list.metadata.continue ?? "";
      if (next === "") return await this.#replaceAndWatch(objects, list.metadata.resourceVersion ?? "0");
      page = { ...page, continue: next };
    }
  }

  async #replaceAndWatch(objects: readonly T[], resourceVersion: string): Promise<void> {
    this.#replace(objects, resourceVersion);
    await this.#watchFrom(resourceVersion);
  }

  async #watchFrom(resourceVersion: string): Promise<void> {
    for await (const event of this.#watch({ resourceVersion })) this.#apply(event);
  }

  #watch(
    from: Pick<ListOptions, "resourceVersion" | "resourceVersionMatch"> & { readonly sendInitialEvents?: boolean },
  ): AsyncIterable<WatchEventOf<T>> {
    const { client, type, selection, signal } = this.#options;
    // Spread, so that not all watches of a server end at once.
    const timeoutSeconds = 300 + Math.floor(Math.random() * 300);
    return client.watch(type, { ...selection, ...from, signal, timeoutSeconds, allowWatchBookmarks: true });
  }

  #replace(objects: readonly T[], resourceVersion: string): void {
    this.#options.sink.replace(objects);
    this.#resourceVersion = resourceVersion;
  }

  #apply(event: WatchEventOf<T>): void {
    if (event.type === "BOOKMARK") {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    if (event.type === "DELETED") this.#options.sink.remove(event.object);
    else this.#options.sink.put(event.object);
    this.#resourceVersion = event.object.metadata?.resourceVersion ?? this.#resourceVersion;
  }
}

function collect<T extends KubernetesObject>(
  objects: Map<string, T>,
  event: Exclude<WatchEventOf<T>, { readonly type: "BOOKMARK" }>,
): void {
  const key = keyOf(objectKeyOf(event.object));
  if (event.type === "DELETED") objects.delete(key);
  else objects.set(key, event.object);
}
