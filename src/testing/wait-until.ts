/** How to wait. */
export interface WaitOptions {
  /** Gives up after so many milliseconds; 30,000 by default. */
  readonly timeoutMs?: number;
  /** Time between two looks, in milliseconds; 100 by default. */
  readonly intervalMs?: number;
}

/**
 * Calls `look` until it returns something other than `undefined` and `false`, and returns that. What it throws counts as a
 * look in vain. Throws an `Error` that names `what` and the last answer when the time is over.
 */
export async function waitUntil<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions = {},
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await attempt(look);
    if (answer.found) return answer.value;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${timeoutMs} ms`, { cause: answer.error });
    }
    await new Promise((resolve) => setTimeout(resolve, options.intervalMs ?? 100));
  }
}

type Answer<T> = { readonly found: true; readonly value: T } | { readonly found: false; readonly error?: unknown };

async function attempt<T>(look: () => Promise<T | undefined | false> | T | undefined | false): Promise<Answer<T>> {
  try {
    const value = await look();
    return value === undefined || value === false ? { found: false } : { found: true, value };
  } catch (error) {
    return { found: false, error };
  }
}
