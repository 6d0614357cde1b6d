import { closeSync, openSync } from "node:fs";
import { constants } from "node:os";

import koffi, { type LibraryHandle } from "koffi";

import { ProcessError } from "./process-error.ts";

export interface PosixSpawnRequest {
  /** Program (looked up on the PATH where it has no slash) and its arguments. */
  readonly argv: readonly string[];
  /** The whole environment of the program. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string | undefined;
  /** Our open files that become the program's descriptors 0, 1, 2, …; it gets no others. */
  readonly fds: readonly number[];
  /** Whether the program leads a session of its own; otherwise only a process group. */
  readonly newSession?: boolean;
}

/**
 * Starts a program with posix_spawn(3) on a thread of libuv's pool and returns its pid, which is its process group too. The
 * caller waits for it (`exitOf`). Unlike fork, its cost does not grow with this process' memory. Throws `ProcessError`.
 */
export async function posixSpawn(request: PosixSpawnRequest): Promise<number> {
  const c = (bindings ??= bind());
  const actions = fileActions(c, request);
  const attributes = spawnAttributes(c, request.newSession === true);
  const pid = Buffer.alloc(4);
  try {
    const env = Object.entries(request.env).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
    const program = request.argv[0] ?? "";
    const errno = await new Promise<number>((resolve, reject) => {
      const done = (error: unknown, result: number): void => {
        if (error === null || error === undefined) resolve(result);
        else reject(error instanceof Error ? error : new Error("posix_spawn failed"));
      };
      c.spawn.async(pid, program, actions, attributes, [...request.argv, null], [...env, null], done);
    });
    if (errno !== 0) throw spawnError(program, errno);
    return pid.readInt32LE();
  } finally {
    c.destroyActions(actions);
    c.destroyAttributes(attributes);
  }
}

/** Makes a pipe whose ends are closed in programs that do not ask for them. The caller closes both. */
export function openPipe(): { readonly read: number; readonly write: number } {
  const ends = Buffer.alloc(8);
  const c = (bindings ??= bind());
  if (c.pipe2(ends, O_CLOEXEC) !== 0) throw new ProcessError("NOT_STARTED", "Cannot open a pipe: too many files");
  return { read: ends.readInt32LE(0), write: ends.readInt32LE(4) };
}

/** Returns an open, empty file in memory. The caller closes it. */
export function openMemoryFile(): number {
  const c = (bindings ??= bind());
  const fd = c.memfdCreate("input", MFD_CLOEXEC) as number;
  if (fd < 0) throw new ProcessError("NOT_STARTED", "Cannot open a file in memory: too many files");
  return fd;
}

/** Returns the wait status of a child that ended (and forgets the child), or undefined while it runs. */
export function waitChild(pid: number): number | undefined {
  const c = (bindings ??= bind());
  const status = Buffer.alloc(4);
  const result = c.waitpid(pid, status, WNOHANG) as number;
  if (result === 0) return undefined;
  // ECHILD: somebody else took its status; it has ended all the same, nobody can say how.
  return result === pid ? status.readInt32LE() : constants.signals.SIGKILL;
}

const POSIX_SPAWN_SETPGROUP = 0x02;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const WNOHANG = 1;
const MFD_CLOEXEC = 1;
const O_CLOEXEC = 0o2000000;

// Opaque C structures; larger than any C library has them (glibc 80, 336 and 128 bytes).
const ACTIONS_BYTES = 512;
const ATTRIBUTES_BYTES = 1024;
const SIGNAL_SET_BYTES = 128;

type CFunction = ReturnType<LibraryHandle["func"]>;

interface Bindings {
  readonly spawn: CFunction;
  readonly initActions: CFunction;
  readonly addDup2: CFunction;
  readonly addClose: CFunction;
  readonly addChdir: CFunction;
  readonly addCloseFrom: CFunction | undefined;
  readonly destroyActions: CFunction;
  readonly initAttributes: CFunction;
  readonly setFlags: CFunction;
  readonly setSignalDefaults: CFunction;
  readonly setSignalMask: CFunction;
  readonly destroyAttributes: CFunction;
  readonly pipe2: CFunction;
  readonly memfdCreate: CFunction;
  readonly waitpid: CFunction;
}

let bindings: Bindings | undefined;

function bind(): Bindings {
  const c = koffi.load(null);
  return {
    spawn: c.func("int posix_spawnp(void *, const char *, void *, void *, const char **, const char **)"),
    initActions: c.func("int posix_spawn_file_actions_init(void *)"),
    addDup2: c.func("int posix_spawn_file_actions_adddup2(void *, int, int)"),
    addClose: c.func("int posix_spawn_file_actions_addclose(void *, int)"),
    addChdir: c.func("int posix_spawn_file_actions_addchdir_np(void *, const char *)"),
    addCloseFrom: optional(c, "int posix_spawn_file_actions_addclosefrom_np(void *, int)"),
    destroyActions: c.func("int posix_spawn_file_actions_destroy(void *)"),
    initAttributes: c.func("int posix_spawnattr_init(void *)"),
    setFlags: c.func("int posix_spawnattr_setflags(void *, short)"),
    setSignalDefaults: c.func("int posix_spawnattr_setsigdefault(void *, const void *)"),
    setSignalMask: c.func("int posix_spawnattr_setsigmask(void *, const void *)"),
    destroyAttributes: c.func("int posix_spawnattr_destroy(void *)"),
    pipe2: c.func("int pipe2(void *, int)"),
    memfdCreate: c.func("int memfd_create(const char *, unsigned int)"),
    waitpid: c.func("int waitpid(int, void *, int)"),
  };
}

function optional(library: LibraryHandle, prototype: string): CFunction | undefined {
  try {
    return library.func(prototype);
  } catch {
    return undefined;
  }
}

function fileActions(c: Bindings, request: PosixSpawnRequest): Buffer {
  const actions = Buffer.alloc(ACTIONS_BYTES);
  c.initActions(actions);
  if (request.cwd !== undefined) c.addChdir(actions, request.cwd);
  const { fds } = request;
  // Two steps, by way of numbers above all others: a target may be the source of a later one.
  const above = Math.max(fds.length, ...fds) + 1;
  for (const [target, source] of fds.entries()) c.addDup2(actions, source, above + target);
  for (const target of fds.keys()) c.addDup2(actions, above + target, target);
  // A descriptor that leaks into a container is a way out of it (CVE-2024-21626).
  if (c.addCloseFrom === undefined) for (const target of fds.keys()) c.addClose(actions, above + target);
  else c.addCloseFrom(actions, fds.length);
  return actions;
}

function spawnAttributes(c: Bindings, newSession: boolean): Buffer {
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  c.initAttributes(attributes);
  const group = newSession ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  c.setFlags(attributes, group | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  // Node ignores SIGPIPE, and what is ignored stays ignored across exec.
  const defaults = Buffer.alloc(SIGNAL_SET_BYTES);
  for (const signal of [constants.signals.SIGPIPE, constants.signals.SIGHUP, constants.signals.SIGINT]) {
    defaults[(signal - 1) >> 3] = (defaults[(signal - 1) >> 3] ?? 0) | (1 << ((signal - 1) & 7));
  }
  c.setSignalDefaults(attributes, defaults);
  c.setSignalMask(attributes, Buffer.alloc(SIGNAL_SET_BYTES));
  return attributes;
}

function spawnError(program: string, errno: number): ProcessError {
  const name = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? String(errno);
  const code = name === "ENOENT" ? "NOT_FOUND" : "NOT_STARTED";
  return new ProcessError(code, `Cannot run "${program}": ${name}`);
}

let nullFile: number | undefined;

/** Returns an open `/dev/null`, shared by the whole process; never closed. */
export function nullDevice(): number {
  nullFile ??= openSync("/dev/null", "r+");
  return nullFile;
}

/** Closes a file that may be closed already. */
export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed by whoever it was handed to.
  }
}
