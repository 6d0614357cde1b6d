import { type ExitStatus, exitOf } from "./child-exit.ts";
import { nullDevice, posixSpawn } from "./posix-spawn.ts";

export interface SpawnOptions {
  /** The whole environment; this process' own by default. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** Our open files that become descriptors 0, 1, 2, …; `"null"` is `/dev/null`. It gets no others. */
  readonly fds?: readonly (number | "null")[];
  /** Whether it leads a session of its own. */
  readonly newSession?: boolean;
}

/** A program that we started. */
export interface SpawnedProcess {
  /** Its pid, and its process group's. */
  readonly pid: number;
  /** Resolves when it has ended. */
  readonly exited: Promise<ExitStatus>;
  /** Signals its whole process group; does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** Starts a program without forking this process. Throws `ProcessError`. */
export async function spawnProcess(argv: readonly string[], options: SpawnOptions = {}): Promise<SpawnedProcess> {
  return await start(argv, options, false);
}

/** Starts a program in a session of its own that may outlive this process, and does not keep it waiting. */
export async function spawnDetached(argv: readonly string[], options: SpawnOptions = {}): Promise<SpawnedProcess> {
  return await start(argv, { ...options, newSession: true }, true);
}

async function start(argv: readonly string[], options: SpawnOptions, detached: boolean): Promise<SpawnedProcess> {
  const fds = (options.fds ?? ["null", "null", "null"]).map((fd) => (fd === "null" ? nullDevice() : fd));
  const { cwd, newSession = false } = options;
  const pid = await posixSpawn({ argv, env: options.env ?? process.env, cwd, fds, newSession });
  let ended = false;
  const exited = exitOf(pid, detached).finally(() => {
    ended = true;
  });
  const kill = (signal: NodeJS.Signals): void => {
    // After the reaping, the number may be another's.
    if (!ended) killGroup(pid, signal);
  };
  return { pid, exited, kill };
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: it ended between the last look and now.
  }
}
