import { type Clock, systemClock } from "../base/clock.ts";
import { backoffDelay } from "../base/retry.ts";
import { type Work, WorkQueue } from "../client/work-queue.ts";

/** How long a pod that fits nowhere is left alone, from its last try, however much changes meanwhile. */
const BACKOFF = { initialMs: 100, maxMs: 10_000 } as const;
/** Nothing may be forgotten for longer, should an event not have told that it helps. */
const FLUSH_MS = 300_000;

interface Unschedulable {
  readonly tries: number;
  readonly triedAt: number;
}

/** Pods that wait for a node: those to be tried, and those that fit nowhere until something changes. */
export class SchedulingQueue {
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  readonly #unschedulable = new Map<string, Unschedulable>();

  constructor(options: { readonly clock?: Clock; readonly onError: (key: string, error: unknown) => void }) {
    this.#clock = options.clock ?? systemClock;
    this.#queue = new WorkQueue({ ...options, backoff: BACKOFF });
  }

  /** Queues a pod that is new or was changed. */
  add(key: string): void {
    this.#queue.add(key);
  }

  /** Says that a pod has a node, or is gone. */
  forget(key: string): void {
    this.#unschedulable.delete(key);
    this.#queue.forget(key);
  }

  /** Says that a pod was tried and fits nowhere. */
  park(key: string): void {
    const tries = (this.#unschedulable.get(key)?.tries ?? 0) + 1;
    this.#unschedulable.set(key, { tries, triedAt: this.#clock.monotonic() });
    this.#queue.addAfter(key, FLUSH_MS);
  }

  /** Says that something changed that may give room: what fits nowhere is tried again, after its wait. */
  wake(): void {
    const now = this.#clock.monotonic();
    for (const [key, { tries, triedAt }] of this.#unschedulable) {
      const waitMs = triedAt + backoffDelay(tries - 1, BACKOFF) - now;
      if (waitMs <= 0) this.#queue.add(key);
      else this.#queue.addAfter(key, waitMs);
    }
  }

  /** Tries pods until `signal` aborts. */
  async run(work: Work, signal: AbortSignal): Promise<void> {
    await this.#queue.run(work, { signal, concurrency: BINDINGS_AT_ONCE });
  }
}

/** A decision takes no time; what overlaps is the waiting for the API server. */
const BINDINGS_AT_ONCE = 16;
