/** How much of a blob that is still being written can be read by now. */
export class Arrival {
  readonly #watchers = new Set<() => void>();
  readonly #size: number;
  #bytes = 0;

  /** `size` is that of the whole blob in bytes. */
  constructor(size: number) {
    this.#size = size;
  }

  /** Bytes from the start that are there. */
  get bytes(): number {
    return this.#bytes;
  }

  get isComplete(): boolean {
    return this.#bytes >= this.#size;
  }

  /** Tells that so many bytes are there. */
  advance(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#bytes = bytes;
    for (const watcher of this.#watchers) watcher();
  }

  /** Calls `watcher` whenever more is there, until the result is disposed. */
  watch(watcher: () => void): Disposable {
    this.#watchers.add(watcher);
    return { [Symbol.dispose]: () => void this.#watchers.delete(watcher) };
  }
}
