import { closeSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

import type { ExitStatus } from "./child-exit.ts";
import { closeQuietly, openMemoryFile, openPipe } from "./posix-spawn.ts";
import { ProcessError } from "./process-error.ts";
import { type SpawnedProcess, spawnProcess } from "./spawn-process.ts";

export interface RunOptions {
  /** The whole environment; this process' own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** What the program reads on its standard input, a file; nothing by default. */
  readonly input?: string | Uint8Array;
  /** After this long its process group is killed and `TIMED_OUT` thrown; none by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** How much of each of its outputs is kept, 1 MiB by default; the rest is read and dropped. */
  readonly maxOutputBytes?: number;
  /** Further open files, as descriptors 3, 4, … */
  readonly extraFds?: readonly number[];
}

export interface RunResult extends ExitStatus {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** Whether some output was dropped. */
  readonly truncated: boolean;
}

/**
 * Runs a program to its end and returns what it wrote and how it ended; a failing exit code is a result. Throws
 * `ProcessError`, or the signal's reason when aborted; the program is killed then.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  options.signal?.throwIfAborted();
  const max = options.maxOutputBytes ?? 1024 * 1024;
  const input = options.input === undefined ? "null" : openInput(options.input);
  const outputs = [openPipe(), openPipe()] as const;
  let child: SpawnedProcess;
  try {
    const fds: (number | "null")[] = [input, outputs[0].write, outputs[1].write, ...(options.extraFds ?? [])];
    child = await spawnProcess(argv, { ...options, fds });
  } catch (error) {
    for (const { read } of outputs) closeQuietly(read);
    throw error;
  } finally {
    if (input !== "null") closeSync(input);
    for (const { write } of outputs) closeSync(write);
  }
  const readers = outputs.map(({ read }) => new OutputReader(read, max));
  const status = await endOf(child, options, argv[0] ?? "");
  const [stdout, stderr] = await Promise.all(readers.map((reader) => reader.finish()));
  return {
    ...status,
    stdout: stdout ?? Buffer.alloc(0),
    stderr: stderr ?? Buffer.alloc(0),
    truncated: readers.some((reader) => reader.truncated),
  };
}

// A pipe's other end may be kept open by a grandchild: what it writes later is nobody's output.
const LINGER_MS = 500;

/** Collects what comes from a pipe, up to a limit. Owns the descriptor. */
class OutputReader {
  readonly #chunks: Buffer[] = [];
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  #left: number;
  truncated = false;

  constructor(fd: number, maxBytes: number) {
    this.#left = maxBytes;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ended = promise;
    this.#socket.on("data", (chunk: Buffer) => this.#keep(chunk));
    this.#socket.on("error", () => resolve());
    this.#socket.on("close", () => resolve());
  }

  async finish(): Promise<Buffer> {
    const stop = new AbortController();
    const linger = delay(LINGER_MS, undefined, { signal: stop.signal }).catch(() => {});
    await Promise.race([this.#ended, linger]);
    stop.abort();
    this.#socket.destroy();
    return Buffer.concat(this.#chunks);
  }

  #keep(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#left);
    this.#left -= kept.byteLength;
    if (kept.byteLength > 0) this.#chunks.push(kept);
    if (kept.byteLength < chunk.byteLength) this.truncated = true;
  }
}

function openInput(input: string | Uint8Array): number {
  const fd = openMemoryFile();
  const bytes = typeof input === "string" ? Buffer.from(input) : input;
  let written = 0;
  // By position, so that the file's own offset stays at the start.
  while (written < bytes.byteLength) written += writeSync(fd, bytes, written, bytes.byteLength - written, written);
  return fd;
}

async function endOf(child: SpawnedProcess, options: RunOptions, program: string): Promise<ExitStatus> {
  const { signal, timeoutMs } = options;
  let timedOut = false;
  const onAbort = (): void => child.kill("SIGKILL");
  const onTimeout = (): void => {
    timedOut = true;
    child.kill("SIGKILL");
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, timeoutMs);
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted === true) onAbort();
  try {
    const status = await child.exited;
    signal?.throwIfAborted();
    if (timedOut) throw new ProcessError("TIMED_OUT", `Cannot run "${program}": not done after ${timeoutMs} ms`);
    return status;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
