import { setTimeout as delay } from "node:timers/promises";

/** Time as the program sees it; injected so that tests need not wait. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. May jump. */
  now(): number;
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  monotonic(): number;
  /** Resolves after `ms`. Rejects with the signal's reason when aborted. Does not keep the process alive with `unref`. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
