import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { type RunResult, run } from "../base/process/run.ts";
import type { Resources, State } from "../oci/runtime-config.ts";
import { RuntimeError, type RuntimeErrorCode } from "./runtime-error.ts";

export interface OciRuntimeOptions {
  /** Path of `runc` or `crun`. */
  readonly program: string;
  /** Its `--root`. */
  readonly stateDirectory: string;
}

// Longer than any command takes on a machine that works at all.
const COMMAND_TIMEOUT_MS = 60_000;

/** The OCI runtime's command line (runtime-spec's operations). Errors are `RuntimeError`. */
export class OciRuntime {
  readonly program: string;
  readonly #stateDirectory: string;

  constructor(options: OciRuntimeOptions) {
    this.program = options.program;
    this.#stateDirectory = options.stateDirectory;
  }

  /** What comes before the operation on the runtime's command line. */
  get globalArguments(): readonly string[] {
    return ["--root", this.#stateDirectory];
  }

  /** Starts the process of a container that is created. Throws `START_FAILED`. */
  async start(id: string): Promise<void> {
    await this.#operate("START_FAILED", ["start", id]);
  }

  /**
   * Says whether a container that this runtime created waits to be started still, or has ended waiting. runc and crun both hold it at a
   * FIFO that starting removes; of a runtime that does so otherwise, no container is said to wait.
   */
  isUnstarted(id: string): boolean {
    return existsSync(join(this.#stateDirectory, id, "exec.fifo"));
  }

  /** Deletes a container, killing what is left of it. Idempotent. */
  async delete(id: string): Promise<void> {
    await this.#operate("COMMAND_FAILED", ["delete", "--force", id]);
  }

  /** Returns the state of a container, or undefined where the runtime does not know it. */
  async state(id: string): Promise<State | undefined> {
    const result = await this.#run(["state", id]);
    if (result.exitCode !== 0) return undefined;
    return JSON.parse(result.stdout.toString()) as State;
  }

  /** Changes the limits of a container that runs. */
  async update(id: string, resources: Resources): Promise<void> {
    await this.#operate("COMMAND_FAILED", ["update", "--resources", "-", id], JSON.stringify(resources));
  }

  /** Returns the runtime's name and version, e.g. `runc 1.1.5`. */
  async version(): Promise<string> {
    const result = await run([this.program, "--version"], { timeoutMs: COMMAND_TIMEOUT_MS });
    return result.stdout.toString().split("\n")[0]?.replace(" version ", " ").trim() ?? "";
  }

  async #operate(code: RuntimeErrorCode, args: readonly string[], input?: string): Promise<void> {
    const result = await this.#run(args, input);
    if (result.exitCode === 0) return;
    const [verb = "", id = ""] = [args[0], args.at(-1)];
    throw new RuntimeError(code, `Cannot ${verb} "${id}": ${runtimeMessage(result.stderr.toString())}`);
  }

  async #run(args: readonly string[], input?: string): Promise<RunResult> {
    const options = { timeoutMs: COMMAND_TIMEOUT_MS, ...(input === undefined ? {} : { input }) };
    return await run([this.program, ...this.globalArguments, ...args], options);
  }
}

/** Returns the last error in a log that the runtime wrote with `--log-format json`, or undefined. */
export async function lastLoggedError(path: string): Promise<string | undefined> {
  const text = await readFile(path, "utf8").catch(() => "");
  const lines = text.split("\n").filter(Boolean);
  const messages = lines.map(parseLogLine).filter((line) => line?.level === "error");
  return messages.at(-1)?.msg;
}

/** Returns what the runtime means by what it wrote: the message within its log format, on one line. */
export function runtimeMessage(stderr: string): string {
  const last = stderr.trim().split("\n").at(-1) ?? "";
  const quoted = /msg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1];
  return (quoted?.replaceAll(/\\(.)/g, "$1") ?? last).slice(0, MAX_MESSAGE);
}

// Container images choose part of what runtimes print.
const MAX_MESSAGE = 1024;

function parseLogLine(line: string): { readonly level?: string; readonly msg?: string } | undefined {
  try {
    return JSON.parse(line) as { level?: string; msg?: string };
  } catch {
    return undefined;
  }
}
