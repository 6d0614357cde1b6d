import { StatusError } from "../../api/status.ts";
import type { ResponseSink, ResponseStream } from "../http/api-response.ts";
import type { CacheEvent } from "./cache-event.ts";
import { matches, type Predicate, type SeenEvent, seenEvent } from "./predicate.ts";
import type { WatchCache } from "./watch-cache.ts";

/** Turns what a watch sees into lines. */
export interface WatchEncoder {
  readonly contentType: string;
  event(event: SeenEvent): Uint8Array;
  /** Everything up to `revision` has been sent; `endsInitial` marks the end of the objects that were there. */
  bookmark(revision: number, endsInitial: boolean): Uint8Array;
  error(error: StatusError): Uint8Array;
}

/** One watch. */
export interface WatchStreamOptions {
  readonly cache: WatchCache;
  readonly predicate: Predicate;
  readonly encoder: WatchEncoder;
  /** `all` begins with every object there is; a number with the changes after that revision. */
  readonly start: "all" | number;
  readonly marksInitialEnd: boolean;
  readonly wantsBookmarks: boolean;
  readonly timeoutMs: number;
}

/** The body of a watch. A client too slow to keep up is cut off; it never misses a change unawares. */
export class WatchStream implements ResponseStream {
  readonly #options: WatchStreamOptions;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
  }

  async write(sink: ResponseSink, signal: AbortSignal): Promise<void> {
    const { cache, encoder, start, timeoutMs, wantsBookmarks } = this.#options;
    const { promise: ended, resolve: end, reject: cutOff } = Promise.withResolvers<void>();
    const send = (chunk: Uint8Array) => {
      if (!sink.offer(chunk)) cutOff(new Error("the watcher is too slow"));
    };
    const from = start === "all" ? this.#sendAll(send) : start;
    const change = (event: CacheEvent) => {
      const seen = seenEvent(this.#options.predicate, event);
      if (seen !== undefined) send(encoder.event(seen));
    };
    const bookmarks = wantsBookmarks
      ? setInterval(() => send(encoder.bookmark(cache.revision, false)), BOOKMARK_MS).unref()
      : undefined;
    const timer = setTimeout(() => {
      // So that the next watch begins where this one ended.
      if (wantsBookmarks) send(encoder.bookmark(cache.revision, false));
      end();
    }, timeoutMs);
    signal.addEventListener("abort", () => end(), { once: true });
    if (signal.aborted) end();
    let unsubscribe = () => {};
    try {
      unsubscribe = cache.subscribe(from, { change, end });
      await ended;
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      // A watch has begun by now, so its error is an event.
      send(encoder.error(error));
    } finally {
      unsubscribe();
      clearInterval(bookmarks);
      clearTimeout(timer);
    }
  }

  #sendAll(send: (chunk: Uint8Array) => void): number {
    const { cache, encoder, predicate, marksInitialEnd } = this.#options;
    const { revision, objects } = cache.snapshot();
    for (const stored of objects) if (matches(predicate, stored)) send(encoder.event({ type: "ADDED", stored }));
    if (marksInitialEnd) send(encoder.bookmark(revision, true));
    return revision;
  }
}

const BOOKMARK_MS = 60_000;
