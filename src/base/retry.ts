import { type Clock, systemClock } from "./clock.ts";

/** How long to wait between tries: exponential from `initialMs`, capped at `maxMs`, with up to `jitter` (0–1) added. */
export interface BackoffOptions {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor?: number;
  readonly jitter?: number;
}

/** Returns the wait in milliseconds before try number `attempt` (the first wait is attempt 0). */
export function backoffDelay(attempt: number, options: BackoffOptions): number {
  const base = Math.min(options.maxMs, options.initialMs * (options.factor ?? 2) ** attempt);
  return base + base * (options.jitter ?? 0) * Math.random();
}

export interface RetryOptions extends BackoffOptions {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** Says whether an error is worth another try; by default every error is. */
  readonly isRetryable?: (error: unknown, attempt: number) => boolean;
}

/** Calls `task` until it succeeds, is not retryable, or `attempts` are used up; then throws the last error. */
export async function retry<T>(task: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const clock = options.clock ?? systemClock;
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    try {
      return await task(attempt);
    } catch (error) {
      const last = attempt + 1 >= options.attempts;
      if (last || options.signal?.aborted || options.isRetryable?.(error, attempt) === false) throw error;
      await clock.sleep(backoffDelay(attempt, options), options.signal);
    }
  }
}
