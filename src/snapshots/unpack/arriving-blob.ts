import { readSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

import { invalidLayer } from "../snapshot-error.ts";

const READ_BYTES = 256 * 1024;
/** So long bytes may stay away before it is said: moments are not worth a word. */
const PATIENCE_MS = 50;

export interface ArrivingBlobOptions {
  /** The open file. */
  readonly fd: number;
  /** Bytes of the whole blob. */
  readonly size: number;
  /** Bytes that can be read at once. */
  readonly available: number;
  /** Called when bytes stay away, with the number read so far. */
  readonly onStarving: (at: number) => void;
}

/** A blob that is read while it is being written. */
export class ArrivingBlob {
  readonly #options: ArrivingBlobOptions;
  #available: number;
  #wake: () => void = () => {};

  constructor(options: ArrivingBlobOptions) {
    this.#options = options;
    this.#available = options.available;
  }

  /** Tells that so many bytes can be read by now. */
  advance(available: number): void {
    this.#available = Math.max(this.#available, available);
    this.#wake();
  }

  /** Reads all of it from the start into one buffer: a chunk is valid until the next one is asked for. */
  async *chunks(): AsyncIterable<Buffer> {
    const { fd, size } = this.#options;
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (let at = 0; at < size;) {
      // A word may come twice, or late: it wakes, but brings nothing.
      while (at >= this.#available) await this.#wait(at);
      const length = readSync(fd, buffer, 0, Math.min(buffer.length, this.#available - at), at);
      if (length === 0) throw invalidLayer("its file is shorter than announced");
      at += length;
      yield buffer.subarray(0, length);
      // Reading never waits, so what is said to this process meanwhile gets its turn here.
      await setImmediate();
    }
  }

  async #wait(at: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(() => this.#options.onStarving(at), PATIENCE_MS);
    await promise;
    clearTimeout(timer);
  }
}
