import { type ChildProcess, fork } from "node:child_process";

import { siblingModule } from "../../base/sibling-module.ts";
import { SnapshotError, type SnapshotErrorCode } from "../snapshot-error.ts";
import type { UnpackAnswer, UnpackedLayer, UnpackJob } from "./unpack-job.ts";

/** Unpacks layers, so many at once, in processes of their own. */
export interface Unpacker extends AsyncDisposable {
  /**
   * Unpacks and syncs one layer. Throws `SnapshotError`; the directory then holds a part of it. An abort kills the
   * process that works on it.
   */
  unpack(job: UnpackJob, signal?: AbortSignal): Promise<UnpackedLayer>;
}

export interface UnpackerPoolOptions {
  /** Layers unpacked at the same time. */
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
  readonly #queue: (() => void)[] = [];
  #working = 0;

  constructor(size: number, idleMs: number) {
    this.#size = size;
    this.#idleMs = idleMs;
  }

  async unpack(job: UnpackJob, signal?: AbortSignal): Promise<UnpackedLayer> {
    await this.#takeTurn();
    try {
      signal?.throwIfAborted();
      return await this.#run(job, signal);
    } finally {
      this.#working--;
      this.#queue.shift()?.();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#all, (child) => child.end()));
  }

  async #takeTurn(): Promise<void> {
    if (this.#working >= this.#size) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#queue.push(resolve);
      await promise;
    }
    this.#working++;
  }

  async #run(job: UnpackJob, signal: AbortSignal | undefined): Promise<UnpackedLayer> {
    const child = this.#takeIdle() ?? this.#start();
    const onAbort = () => void child.end();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const answer = await child.ask(job);
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

class UnpackerChild {
  readonly #process: ChildProcess;
  readonly ended: Promise<string>;
  #timer: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor() {
    this.#process = fork(siblingModule(import.meta.url, "unpacker-process"), [], {
      // The young generation stays small: the work is done in buffers, and memory is the node's to give to pods.
      execArgv: ["--max-semi-space-size=2", "--max-old-space-size=512"],
      env: childEnvironment(),
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#process.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    this.#process.once("error", (error) => resolve(error.message));
    this.ended = promise;
  }

  async ask(job: UnpackJob): Promise<UnpackAnswer> {
    clearTimeout(this.#timer);
    this.#process.ref();
    this.#process.channel?.ref();
    const { promise, resolve } = Promise.withResolvers<UnpackAnswer>();
    const onMessage = (answer: UnpackAnswer) => resolve(answer);
    this.#process.once("message", onMessage);
    // A send that fails means that the process is ending, which `ended` tells.
    this.#process.send(job, () => {});
    try {
      return await Promise.race([promise, this.ended.then(failed)]);
    } finally {
      this.#process.off("message", onMessage);
    }
  }

  /** Ends the process after a while without work; until then it does not keep this one running. */
  endAfter(ms: number): void {
    this.#process.unref();
    this.#process.channel?.unref();
    this.#timer = setTimeout(() => void this.end(), ms).unref();
  }

  /** Whether it was told to end, or has ended. */
  get isEnding(): boolean {
    return this.#isEnding || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    this.#process.kill("SIGKILL");
    await this.ended;
  }
}

function failed(how: string): UnpackAnswer {
  const message = `Cannot unpack the layer: the unpacker process ended (${how})`;
  return { kind: "failed", code: "UNPACKER_FAILED", message };
}

function childEnvironment(): NodeJS.ProcessEnv {
  const { BERTH_FAILPOINTS: failpoints } = process.env;
  return failpoints === undefined ? {} : { BERTH_FAILPOINTS: failpoints };
}
