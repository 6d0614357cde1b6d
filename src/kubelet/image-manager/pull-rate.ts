import type { Clock } from "../../base/clock.ts";

export interface PullRateLimits {
  /** Attempts a second; 0 for any number. */
  readonly perSecond: number;
  /** Attempts that may come at once after a quiet time; at least 1. */
  readonly burst: number;
}

/** Spreads attempts over time: one too many waits for its turn. */
export class PullRate {
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #burst: number;
  /** When, on the monotonic clock, all attempts made so far would be paid for. */
  #paidAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, { perSecond, burst }: PullRateLimits) {
    this.#clock = clock;
    this.#intervalMs = perSecond === 0 ? 0 : 1000 / perSecond;
    this.#burst = Math.max(1, burst);
  }

  /** Waits until one more attempt may be made. Rejects with the signal's reason when aborted. */
  async take(signal: AbortSignal): Promise<void> {
    const now = this.#clock.monotonic();
    this.#paidAt = Math.max(this.#paidAt, now) + this.#intervalMs;
    const waitMs = this.#paidAt - now - this.#burst * this.#intervalMs;
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal);
  }
}
