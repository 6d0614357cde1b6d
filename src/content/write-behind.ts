import type { FileHandle } from "node:fs/promises";

/** Most bytes that wait for the file. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Appends to a file while more is coming: chunks that come during a write go out together with the next one, so that many
 * small chunks take few writes.
 */
export class WriteBehind {
  readonly #file: FileHandle;
  readonly #onWritten: (bytes: number) => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #written = 0;
  #failure: { readonly error: unknown } | undefined;

  /** `onWritten` is told how many bytes are in the file by now, of those given here. */
  constructor(file: FileHandle, onWritten: (bytes: number) => void) {
    this.#file = file;
    this.#onWritten = onWritten;
  }

  /** Takes a chunk, which must not change any more. Waits while too much is waiting. Throws what a write before it threw. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#writing ??= this.#writeAll();
    if (this.#waitingBytes > MAX_WAITING_BYTES) await this.#writing;
    this.#throwFailure();
  }

  /** Waits until all is in the file. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#throwFailure();
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) await this.#writeWaiting();
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeWaiting(): Promise<void> {
    let chunks = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    while (chunks.length > 0) {
      const { bytesWritten } = await this.#file.writev(chunks);
      this.#written += bytesWritten;
      chunks = after(chunks, bytesWritten);
    }
    this.#onWritten(this.#written);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

/** Returns what is left of chunks of which so many bytes were written. */
function after(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  let left = written;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    return skipped === chunk.length ? [] : [chunk.subarray(skipped)];
  });
}
