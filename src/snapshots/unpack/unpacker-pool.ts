import { SnapshotError, type SnapshotErrorCode } from "../snapshot-error.ts";
import type { Arrival } from "./arrival.ts";
import type { UnpackedLayer, UnpackJob } from "./unpack-job.ts";
import { UnpackerChild } from "./unpacker-child.ts";

/** Unpacks layers, so many at once, in processes of their own. */
export interface Unpacker extends AsyncDisposable {
  /**
   * Unpacks one layer; `arrival` tells how much of its blob is there, where it is still coming. Nothing is synced. Throws
   * `SnapshotError`; the directory then holds a part of it. An abort kills the process that works on it.
   */
  unpack(job: UnpackJob, signal?: AbortSignal, arrival?: Arrival): Promise<UnpackedLayer>;
}

export interface UnpackerPoolOptions {
  /** Layers unpacked at the same time. Those that wait for bytes do not count, but there are never twice as many processes. */
  readonly size: number;
  /** How long a process waits for more work before it ends, in milliseconds. */
  readonly idleMs?: number;
}

/** Returns an unpacker whose processes start when there is work and end when there is none. */
export function createUnpackerPool(options: UnpackerPoolOptions): Unpacker {
  return new UnpackerPool(options.size, options.idleMs ?? 5000);
}

class UnpackerPool implements Unpacker {
  readonly #size: number;
  readonly #idleMs: number;
  readonly #idle: UnpackerChild[] = [];
  readonly #all = new Set<UnpackerChild>();
  readonly #queue: Waiting[] = [];
  /** Jobs that have a process. */
  #begun = 0;
  /** Those of them that do not wait for bytes. */
  #working = 0;

  constructor(size: number, idleMs: number) {
    this.#size = size;
    this.#idleMs = idleMs;
  }

  async unpack(job: UnpackJob, signal?: AbortSignal, arrival?: Arrival): Promise<UnpackedLayer> {
    await this.#takeTurn(signal, arrival);
    try {
      signal?.throwIfAborted();
      return await this.#run(job, signal, arrival);
    } finally {
      this.#begun--;
      this.#working--;
      this.#startWaiting();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#all, (child) => child.end()));
  }

  async #takeTurn(signal: AbortSignal | undefined, arrival: Arrival | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    using _watch = arrival?.watch(() => {
      if (arrival.isComplete) this.#startWaiting();
    });
    const waiting = { arrival, start: resolve };
    const onAbort = () => {
      const at = this.#queue.indexOf(waiting);
      if (at >= 0) this.#queue.splice(at, 1);
      if (at >= 0) reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#queue.push(waiting);
    this.#startWaiting();
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Gives turns, first come first served, but a blob that has come is not held up by those that have not. */
  #startWaiting(): void {
    while (this.#working < this.#size) {
      const next = this.#queue.findIndex(({ arrival }) => this.#begun < this.#size || arrival?.isComplete !== false);
      const [waiting] = next < 0 ? [] : this.#queue.splice(next, 1);
      if (waiting === undefined) return;
      this.#begun++;
      this.#working++;
      waiting.start();
    }
  }

  async #run(job: UnpackJob, signal: AbortSignal | undefined, arrival: Arrival | undefined): Promise<UnpackedLayer> {
    const child = this.#takeIdle() ?? this.#start();
    const onAbort = () => void child.end();
    signal?.addEventListener("abort", onAbort, { once: true });
    const onStarving = (isStarving: boolean) => {
      this.#working += isStarving ? -1 : 1;
      this.#startWaiting();
    };
    try {
      const answer = await child.ask({ job, arrival, onStarving });
      this.#rest(child);
      if (answer.kind === "unpacked") return answer.layer;
      throw new SnapshotError(answer.code as SnapshotErrorCode, answer.message);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  #takeIdle(): UnpackerChild | undefined {
    let child = this.#idle.pop();
    while (child?.isEnding === true) child = this.#idle.pop();
    return child;
  }

  #start(): UnpackerChild {
    const child = new UnpackerChild();
    this.#all.add(child);
    void child.ended.then(() => this.#forget(child));
    return child;
  }

  #forget(child: UnpackerChild): void {
    this.#all.delete(child);
    const at = this.#idle.indexOf(child);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #rest(child: UnpackerChild): void {
    // An abort may come between the answer and here.
    if (child.isEnding) return;
    this.#idle.push(child);
    child.endAfter(this.#idleMs);
  }
}

/** A job without a process. */
interface Waiting {
  readonly arrival: Arrival | undefined;
  readonly start: () => void;
}
