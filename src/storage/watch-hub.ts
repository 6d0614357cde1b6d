import { AsyncQueue, QueueOverflowError } from "../base/async-queue.ts";
import { isInRange } from "./key-order.ts";
import { keyOf, revisionOf, withoutPrevious } from "./storage-event.ts";
import { StorageError, type StorageEvent, type WatchBatch, type WatchRequest } from "./storage.ts";

/** What the hub asks of a store when a watch begins. */
export interface WatchStart {
  /** Everything up to here is in `events`. */
  readonly revision: number;
  readonly events: readonly StorageEvent[];
}

/**
 * Hands committed changes to watches, in revision order. A watch first gets what the store's history holds, then what
 * `publish` brings; a reader that falls `capacity` batches behind is ended with `SLOW_WATCHER`.
 */
export class WatchHub {
  readonly #watches = new Set<Watch>();
  readonly #capacity: number;
  #closed = false;

  constructor(capacity = 10_000) {
    this.#capacity = capacity;
  }

  /** Opens a watch at once; `readHistory` is called once and may take its time. */
  watch(
    request: WatchRequest,
    readHistory: () => Promise<WatchStart>,
    signal: AbortSignal,
  ): AsyncIterableIterator<WatchBatch> {
    const watch = new Watch(request, this.#capacity);
    if (this.#closed) watch.end(closed());
    else this.#watches.add(watch);
    const stop = () => {
      this.#watches.delete(watch);
      watch.end();
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
    void watch.begin(readHistory);
    return watch.read(() => {
      signal.removeEventListener("abort", stop);
      this.#watches.delete(watch);
    });
  }

  /** Delivers changes that are durable now. Calls come in revision order. */
  publish(revision: number, events: readonly StorageEvent[]): void {
    for (const watch of this.#watches) watch.publish(revision, events);
  }

  /** Ends every watch with `CLOSED`. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const watch of this.#watches) watch.end(closed());
  }
}

class Watch {
  readonly #request: WatchRequest;
  readonly #queue: AsyncQueue<WatchBatch>;
  #pending: WatchBatch[] | undefined = [];
  #delivered = 0;
  #late = 0;

  constructor(request: WatchRequest, capacity: number) {
    this.#request = request;
    this.#queue = new AsyncQueue<WatchBatch>(capacity);
  }

  async begin(readHistory: () => Promise<WatchStart>): Promise<void> {
    try {
      const start = await readHistory();
      this.#delivered = Math.max(start.revision, (this.#request.startRevision ?? 0) - 1);
      if (start.events.length > 0 || this.#request.progress) this.#push(start);
      for (const batch of this.#pending ?? []) this.#offer(batch);
      this.#pending = undefined;
    } catch (error) {
      this.end(error);
    }
  }

  publish(revision: number, events: readonly StorageEvent[]): void {
    if (this.#pending === undefined) this.#offer({ revision, events });
    else this.#pending.push({ revision, events });
  }

  end(error?: unknown): void {
    this.#pending = [];
    if (error === undefined) this.#queue.close();
    else this.#queue.fail(error);
  }

  async *read(release: () => void): AsyncIterableIterator<WatchBatch> {
    try {
      for await (const batch of this.#queue) {
        yield batch;
        if (this.#queue.length === 0 && this.#late > batch.revision) yield { revision: this.#late, events: [] };
      }
    } finally {
      release();
    }
  }

  #offer(batch: WatchBatch): void {
    if (batch.revision <= this.#delivered) return;
    const after = this.#delivered;
    this.#delivered = batch.revision;
    const events = batch.events.filter((event) => revisionOf(event) > after && isInRange(keyOf(event), this.#request));
    if (events.length > 0)
      this.#push({ revision: batch.revision, events: this.#request.previous ? events : events.map(withoutPrevious) });
    else if (this.#request.progress) this.#pushProgress(batch.revision);
  }

  // A reader that is behind gets the newest progress once, after what it has yet to read.
  #pushProgress(revision: number): void {
    if (this.#queue.length === 0) this.#push({ revision, events: [] });
    else this.#late = revision;
  }

  #push(batch: WatchBatch): void {
    try {
      this.#queue.push(batch);
    } catch (error) {
      if (!(error instanceof QueueOverflowError)) throw error;
      this.#queue.fail(
        new StorageError(
          "SLOW_WATCHER",
          `Cannot go on with the watch of "${this.#request.key}": its reader is too slow`,
        ),
      );
    }
  }
}

function closed(): StorageError {
  return new StorageError("CLOSED", `Cannot watch the store: it is closed`);
}
