import type { LeaseId } from "./storage.ts";

// Node's timers hold at most 2^31 - 1 ms.
const LONGEST_TIMER_MS = 2_000_000_000;

/** Calls `onExpire` for each lease whose time is over. Runs on the monotonic clock: wall-clock jumps change nothing. */
export class LeaseTimers {
  readonly #deadlines = new Map<LeaseId, number>();
  readonly #onExpire: (lease: LeaseId) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(onExpire: (lease: LeaseId) => void) {
    this.#onExpire = onExpire;
  }

  /** Starts a lease's time anew. */
  start(lease: LeaseId, ms: number): void {
    this.#deadlines.set(lease, performance.now() + ms);
    this.#arm();
  }

  /** Returns whether a lease's time is running. */
  has(lease: LeaseId): boolean {
    return this.#deadlines.has(lease);
  }

  /** Forgets a lease. */
  stop(lease: LeaseId): void {
    this.#deadlines.delete(lease);
    this.#arm();
  }

  /** Forgets all leases. */
  close(): void {
    this.#deadlines.clear();
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#deadlines.size === 0) return;
    const next = Math.min(...this.#deadlines.values()) - performance.now();
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(next, 0), LONGEST_TIMER_MS)).unref();
  }

  #expire(): void {
    const now = performance.now();
    const over = [...this.#deadlines].filter(([, deadline]) => deadline <= now);
    for (const [lease] of over) {
      this.#deadlines.delete(lease);
      this.#onExpire(lease);
    }
    this.#arm();
  }
}
