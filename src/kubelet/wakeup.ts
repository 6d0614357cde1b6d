import type { Clock } from "../base/clock.ts";

/** Where one waiter sleeps until it is called or its time has come. A call while nobody waits is kept for the next wait. */
export class Wakeup {
  readonly #clock: Clock;
  #isCalled = false;
  #dueAt: number | undefined;
  #waiting: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes the waiter. */
  now(): void {
    this.#isCalled = true;
    this.#waiting?.();
  }

  /** Replaces the time (ms since the epoch) at which the next wait ends by itself. */
  at(time: number): void {
    this.#dueAt = time;
  }

  /** Resolves when called, due or aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#isCalled && !signal.aborted) await this.#sleep(signal);
    this.#isCalled = false;
    this.#dueAt = undefined;
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = new AbortController();
    this.#waiting = resolve;
    signal.addEventListener("abort", () => resolve(), { signal: end.signal });
    if (this.#dueAt !== undefined) {
      const ms = Math.max(0, this.#dueAt - this.#clock.now());
      this.#clock.sleep(ms, end.signal).then(resolve, () => undefined);
    }
    await promise;
    this.#waiting = undefined;
    end.abort();
  }
}
