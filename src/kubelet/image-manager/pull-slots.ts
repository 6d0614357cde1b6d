/** Leave to pull. Giving it back twice is harmless. */
export interface PullSlot extends Disposable {
  release(): void;
}

/** Lets so many pulls run at the same time, first come first served. */
export class PullSlots {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** `Infinity` for no limit. */
  constructor(size: number) {
    this.#free = size;
  }

  /** Waits for a slot. Rejects with the signal's reason when aborted. */
  async acquire(signal: AbortSignal): Promise<PullSlot> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(signal);
    let isHeld = true;
    const release = () => {
      if (isHeld) this.#giveBack();
      isHeld = false;
    };
    return { release, [Symbol.dispose]: release };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#waiting.splice(this.#waiting.indexOf(resolve), 1);
      reject(signal.reason as Error);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
