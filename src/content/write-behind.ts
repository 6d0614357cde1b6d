import type { FileHandle } from "node:fs/promises";

/** So many bytes are worth a write. */
const MIN_WRITE_BYTES = 256 * 1024;
/** So long fewer bytes wait for more. */
const MAX_WAIT_MS = 50;
/** Most bytes that wait for the file. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** Appends to a file while more is coming: small chunks go out together, so that they take few writes. */
export class WriteBehind {
  readonly #file: FileHandle;
  readonly #onWritten: (bytes: number) => void;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> | undefined;
  #written = 0;
  #timer: NodeJS.Timeout | undefined;
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
    if (this.#waitingBytes >= MIN_WRITE_BYTES) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), MAX_WAIT_MS);
    if (this.#waitingBytes > MAX_WAITING_BYTES) await this.#writing;
    this.#throwFailure();
  }

  /** Waits until all is in the file. */
  async flush(): Promise<void> {
    this.#start();
    await this.#writing;
    this.#throwFailure();
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Nothing follows a write that failed: the file holds the bytes up to there, without a gap.
    if (this.#failure !== undefined) return;
    this.#writing ??= this.#writeAll();
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
