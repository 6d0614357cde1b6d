/** Thrown by `push` when a bounded queue is full: its reader is too slow. */
export class QueueOverflowError extends Error {
  constructor(capacity: number) {
    super(`Cannot push to the queue: its reader is more than ${capacity} items behind`);
    this.name = "QueueOverflowError";
  }
}

/** A queue with one reader, read by `for await`. Never buffers more than `capacity`. */
export class AsyncQueue<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  #waiting: PromiseWithResolvers<IteratorResult<T>> | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(capacity = Number.POSITIVE_INFINITY) {
    this.#capacity = capacity;
  }

  get isClosed(): boolean {
    return this.#end !== undefined;
  }

  get length(): number {
    return this.#items.length;
  }

  /** Adds an item; ignored after the end. Throws `QueueOverflowError` when full. */
  push(item: T): void {
    if (this.#end !== undefined) return;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      waiting.resolve({ value: item, done: false });
      return;
    }
    if (this.#items.length >= this.#capacity) throw new QueueOverflowError(this.#capacity);
    this.#items.push(item);
  }

  /** Ends the queue: the reader gets what is left, then the end. Idempotent. */
  close(): void {
    this.#finish({});
  }

  /** Ends the queue with an error that the reader gets after what is left. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#items.length > 0) return { value: this.#items.shift() as T, done: false };
    if (this.#end !== undefined) {
      if ("error" in this.#end) throw this.#end.error;
      return { value: undefined, done: true };
    }
    this.#waiting ??= Promise.withResolvers<IteratorResult<T>>();
    return await this.#waiting.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#items.length = 0;
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #finish(end: { readonly error?: unknown }): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if ("error" in end) waiting.reject(end.error);
    else waiting.resolve({ value: undefined, done: true });
  }
}
