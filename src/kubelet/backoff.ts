import type { Clock } from "../base/clock.ts";

export interface BackoffLimits {
  readonly initialMs: number;
  readonly maxMs: number;
}

/**
 * Waits that double per key from `initialMs` to `maxMs`. A key that was quiet for twice `maxMs` starts anew. Kept in memory: after a
 * restart every key is new.
 */
export class Backoff {
  readonly #clock: Clock;
  readonly #limits: BackoffLimits;
  readonly #entries = new Map<string, BackoffEntry>();

  constructor(clock: Clock, limits: BackoffLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Notes a failure that happened at `eventTime` (ms since the epoch): the next wait is longer. */
  next(key: string, eventTime: number): void {
    const entry = this.#entries.get(key);
    const isFresh = entry === undefined || this.#hasExpired(entry, eventTime);
    const waitMs = isFresh ? this.#limits.initialMs : Math.min(entry.waitMs * 2, this.#limits.maxMs);
    this.#entries.set(key, { waitMs, updatedAt: this.#clock.now() });
  }

  /** Returns the wait that applies to the key, 0 where it never failed. */
  waitMs(key: string): number {
    return this.#entries.get(key)?.waitMs ?? 0;
  }

  /** Returns when the wait ends that began with `eventTime`, or undefined where it is over or was never begun. */
  endsAt(key: string, eventTime: number): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#hasExpired(entry, eventTime)) return undefined;
    const end = eventTime + entry.waitMs;
    return this.#clock.now() < end ? end : undefined;
  }

  /** As `endsAt`, counted from the last failure noted. */
  endsAtSinceUpdate(key: string): number | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const end = entry.updatedAt + entry.waitMs;
    return this.#clock.now() < end ? end : undefined;
  }

  /** Forgets the keys with this prefix, so that they start anew. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  /** Forgets keys that were quiet for long. */
  collectGarbage(): void {
    const now = this.#clock.now();
    for (const [key, entry] of this.#entries) if (this.#hasExpired(entry, now)) this.#entries.delete(key);
  }

  #hasExpired(entry: BackoffEntry, eventTime: number): boolean {
    return eventTime - entry.updatedAt > 2 * this.#limits.maxMs;
  }
}

interface BackoffEntry {
  readonly waitMs: number;
  readonly updatedAt: number;
}
