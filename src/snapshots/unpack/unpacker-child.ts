import { type ChildProcess, fork } from "node:child_process";

import { siblingModule } from "../../base/sibling-module.ts";
import { SMALL_PROCESS_ENVIRONMENT, SMALL_PROCESS_FLAGS } from "../../base/small-process.ts";
import type { Arrival } from "./arrival.ts";
import type { UnpackAnswer, UnpackerOrder, UnpackerReply, UnpackJob } from "./unpack-job.ts";

/** How a job goes on besides its answer. */
export interface UnpackRequest {
  readonly job: UnpackJob;
  /** How much of the blob is there; all of it where this is missing. */
  readonly arrival: Arrival | undefined;
  /** Called when the process waits for bytes (true), and when it goes on (false). */
  readonly onStarving: (isStarving: boolean) => void;
}

/** So many more bytes are worth a message to a process that still has some. */
const WORTH_TELLING_BYTES = 4 * 1024 * 1024;

/** One unpacker process. */
export class UnpackerChild {
  readonly #process: ChildProcess;
  /** Resolves with how it ended. */
  readonly ended: Promise<string>;
  #timer: NodeJS.Timeout | undefined;
  #isEnding = false;
  #lastJob = 0;

  constructor() {
    this.#process = fork(siblingModule(import.meta.url, "unpacker-process"), [], {
      // The work is done in buffers, and memory is the node's to give to pods.
      execArgv: [...SMALL_PROCESS_FLAGS, "--max-old-space-size=512"],
      env: childEnvironment(),
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#process.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    this.#process.once("error", (error) => resolve(error.message));
    this.ended = promise;
  }

  /** Has one job done; the next may come when the promise resolves. */
  async ask({ job, arrival, onStarving }: UnpackRequest): Promise<UnpackAnswer> {
    clearTimeout(this.#timer);
    this.#process.ref();
    this.#process.channel?.ref();
    const id = ++this.#lastJob;
    const available = () => arrival?.bytes ?? Number.MAX_SAFE_INTEGER;
    const { promise, resolve } = Promise.withResolvers<UnpackAnswer>();
    let isStarving = false;
    const starve = (isNow: boolean) => {
      if (isStarving !== isNow) onStarving(isNow);
      isStarving = isNow;
    };
    let told = available();
    const tell = () => {
      starve(false);
      told = available();
      this.#send({ kind: "available", id, bytes: told });
    };
    const onMessage = (reply: UnpackerReply) => {
      if (reply.kind !== "starving") resolve(reply);
      else if (reply.at >= available()) starve(true);
      else tell();
    };
    this.#process.on("message", onMessage);
    using _watch = arrival?.watch(() => {
      if (isStarving || arrival.isComplete || available() - told >= WORTH_TELLING_BYTES) tell();
    });
    this.#send({ kind: "unpack", id, job, available: told });
    try {
      return await Promise.race([promise, this.ended.then(failed)]);
    } finally {
      starve(false);
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

  /** Kills the process; it is gone when the promise resolves. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    this.#process.kill("SIGKILL");
    // Whoever waits for its end must not end before.
    this.#process.ref();
    await this.ended;
  }

  #send(order: UnpackerOrder): void {
    // A send that fails means that the process is ending, which `ended` tells.
    this.#process.send(order, () => {});
  }
}

function failed(how: string): UnpackAnswer {
  const message = `Cannot unpack the layer: the unpacker process ended (${how})`;
  return { kind: "failed", code: "UNPACKER_FAILED", message };
}

function childEnvironment(): NodeJS.ProcessEnv {
  const { BERTH_FAILPOINTS: failpoints, NODE_COMPILE_CACHE: cache } = process.env;
  return {
    ...SMALL_PROCESS_ENVIRONMENT,
    ...(failpoints === undefined ? {} : { BERTH_FAILPOINTS: failpoints }),
    ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
  };
}
