import type { KeyedMutex } from "./keyed-mutex.ts";

/** Waits for `key` as `KeyedMutex.acquire` does, but no longer than until `signal` aborts; then rejects with its reason. */
export async function acquireOrAbort(
  mutex: KeyedMutex,
  key: string,
  signal: AbortSignal | undefined,
): Promise<AsyncDisposable> {
  signal?.throwIfAborted();
  const lock = mutex.acquire(key);
  if (signal === undefined) return await lock;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([lock, aborted]);
  } catch (error) {
    // The lock still comes one day, and must be given on.
    void lock.then((late) => late[Symbol.asyncDispose]());
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
