import { type Clock, systemClock } from "../base/clock.ts";
import { type BackoffOptions, backoffDelay } from "../base/retry.ts";

/** How a work queue waits and whom it tells. */
export interface WorkQueueOptions {
  readonly clock?: Clock;
  /** Wait before a key whose work failed is tried again; 5 ms doubling to 1000 s by default. */
  readonly backoff?: BackoffOptions;
  /** Called with what the work threw, before the key is queued again. */
  readonly onError?: (key: string, error: unknown) => void;
}

/** What is done for one key. The signal aborts when the queue is shut down. */
export type Work = (key: string, signal: AbortSignal) => Promise<void>;

/** How to take work off a queue. */
export interface RunOptions {
  readonly signal: AbortSignal;
  /** Keys worked on at once; 1 by default. */
  readonly concurrency?: number;
}

/**
 * Keys that need work. A key waits in the queue once however often it is added, is never worked on twice at a time, and is
 * worked on again when it was added meanwhile. A key whose work throws comes back after a growing wait.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: BackoffOptions;
  readonly #onError: (key: string, error: unknown) => void;
  readonly #ready = new Set<string>();
  readonly #working = new Set<string>();
  /** Added while being worked on. */
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #waits = new Map<string, Wait>();
  #run: Run | undefined;

  constructor(options: WorkQueueOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#backoff = options.backoff ?? { initialMs: 5, maxMs: 1_000_000 };
    this.#onError = options.onError ?? (() => {});
  }

  /** Keys that wait to be worked on now. */
  get length(): number {
    return this.#ready.size;
  }

  /** Queues a key for work as soon as possible. */
  add(key: string): void {
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    this.#ready.add(key);
    this.#startWork();
  }

  /** Queues a key for work in `ms`; of several waits for one key the shortest counts. */
  addAfter(key: string, ms: number): void {
    const dueAt = this.#clock.monotonic() + ms;
    const present = this.#waits.get(key);
    if (present !== undefined && present.dueAt <= dueAt) return;
    present?.cancel.abort();
    const wait = { dueAt, cancel: new AbortController() };
    this.#waits.set(key, wait);
    void this.#addWhenDue(key, ms, wait);
  }

  /** Queues a key again after a wait that grows with each call until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, backoffDelay(failures, this.#backoff));
  }

  /** Ends the growing of the wait for a key. Work that succeeds does so by itself. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Calls `work` for each key until `signal` aborts; returns when the work then under way has ended. Once per queue. */
  async run(work: Work, options: RunOptions): Promise<void> {
    if (this.#run !== undefined) throw new TypeError("A work queue runs once");
    const { signal } = options;
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#run = { work, signal, concurrency: options.concurrency ?? 1, onEnd: resolve };
    signal.addEventListener(
      "abort",
      () => {
        this.#shutDown();
      },
      { once: true },
    );
    this.#startWork();
    await promise;
  }

  #startWork(): void {
    const run = this.#run;
    if (run === undefined || run.signal.aborted) return;
    for (const key of this.#ready) {
      if (this.#working.size >= run.concurrency) return;
      this.#ready.delete(key);
      this.#working.add(key);
      void this.#workOn(key, run);
    }
  }

  async #workOn(key: string, run: Run): Promise<void> {
    try {
      await run.work(key, run.signal);
      this.forget(key);
    } catch (error) {
      if (!run.signal.aborted) this.#comeBack(key, error);
    }
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#ready.add(key);
    this.#startWork();
    if (run.signal.aborted && this.#working.size === 0) run.onEnd();
  }

  #comeBack(key: string, error: unknown): void {
    this.#onError(key, error);
    this.addRateLimited(key);
  }

  async #addWhenDue(key: string, ms: number, wait: Wait): Promise<void> {
    try {
      await this.#clock.sleep(ms, wait.cancel.signal);
    } catch {
      return;
    }
    if (this.#waits.get(key) === wait) this.#waits.delete(key);
    this.add(key);
  }

  #shutDown(): void {
    for (const wait of this.#waits.values()) wait.cancel.abort();
    this.#waits.clear();
    if (this.#working.size === 0) this.#run?.onEnd();
  }
}

interface Wait {
  readonly dueAt: number;
  readonly cancel: AbortController;
}

interface Run {
  readonly work: Work;
  readonly signal: AbortSignal;
  readonly concurrency: number;
  readonly onEnd: () => void;
}
