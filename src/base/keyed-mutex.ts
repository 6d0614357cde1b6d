/** Mutual exclusion per key, first come first served. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `task` when nobody else holds `key`; returns or throws what it does. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    await using _lock = await this.acquire(key);
    return await task();
  }

  /** Waits for `key`; the returned lock is released by `await using`. */
  async acquire(key: string): Promise<AsyncDisposable> {
    const before = this.#tails.get(key);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tails.set(key, promise);
    await before;
    return {
      [Symbol.asyncDispose]: () => {
        if (this.#tails.get(key) === promise) this.#tails.delete(key);
        resolve();
        return Promise.resolve();
      },
    };
  }
}
