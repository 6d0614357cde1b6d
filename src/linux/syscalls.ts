import koffi, { type LibraryHandle } from "koffi";

import { type Errno, LinuxError, errnoName } from "./linux-error.ts";

/** What a C function takes: numbers, strings, buffers, null pointers. */
export type SyscallArgument = number | bigint | string | Uint8Array | null;

/** A C library function; returns what C returns. Runs on the calling thread and blocks it. */
export type CFunction = (...args: readonly SyscallArgument[]) => number;

/**
 * Returns the C library function with this C prototype. Looked up at the first call, so that a function which this C
 * library lacks fails only where it is used (`ENOSYS`).
 */
export function cFunction(prototype: string): CFunction {
  let bound: CFunction | undefined;
  return (...args) => {
    bound ??= bind(prototype);
    return bound(...args);
  };
}

/** Returns the same, called on a thread of libuv's pool. What errno it leaves there is lost. */
export function cFunctionOnThread(prototype: string): (...args: readonly SyscallArgument[]) => Promise<number> {
  let bound: BoundFunction | undefined;
  return async (...args) => {
    const call = (bound ??= bind(prototype));
    return await new Promise((resolve, reject) => {
      const done = (error: unknown, result: number): void => {
        if (error instanceof Error) reject(error);
        else resolve(result);
      };
      call.async(...args, done);
    });
  };
}

/** Returns `result` of a C call, or throws `LinuxError` with the errno when it is negative. `action` reads `mount "x"`. */
export function checked(result: number, action: string): number {
  if (result >= 0) return result;
  throw linuxError(koffi.errno(), action);
}

/** Returns the error of a C call that failed with this errno value. */
export function linuxError(errno: number, action: string): LinuxError {
  const code: Errno = errnoName(errno);
  return new LinuxError(code, `Cannot ${action}: ${code}`);
}

/** Returns the errno value that the last C call of this thread left. */
export function lastErrno(): number {
  return koffi.errno();
}

type BoundFunction = ReturnType<LibraryHandle["func"]>;

let library: LibraryHandle | undefined;

function bind(prototype: string): BoundFunction {
  // The running program already holds the C library, glibc or musl: no file name to guess.
  library ??= koffi.load(null);
  try {
    return library.func(prototype);
  } catch (cause) {
    throw new LinuxError("ENOSYS", `Cannot call "${prototype}": this C library has no such function`, { cause });
  }
}
