import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

import { CodedError } from "./coded-error.ts";

/** Thrown when somebody else keeps the lock for longer than the caller waits. */
export class FileLockError extends CodedError<"LOCKED"> {}

export interface FileLockOptions {
  /** How long to wait for another holder; 0 tries once. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

/**
 * Takes an exclusive lock between processes, kept until disposed. The kernel gives it back when the holder dies, however
 * it dies. `path` is a file of its own in an existing directory. Throws `FileLockError` with code `LOCKED`.
 */
export async function lockFile(path: string, options: FileLockOptions): Promise<AsyncDisposable> {
  const deadline = performance.now() + options.waitMs;
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    while (!tryLock(database)) {
      if (performance.now() >= deadline)
        throw new FileLockError("LOCKED", `Cannot lock "${path}": another process holds it`);
      await delay(RETRY_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
    }
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    [Symbol.asyncDispose]: () => {
      database.close();
      return Promise.resolve();
    },
  };
}

const RETRY_MS = 10;
/** SQLITE_BUSY, the only error that means "held by somebody else". */
const SQLITE_BUSY = 5;

// Node has no flock; an exclusive SQLite transaction is an fcntl lock on the file without native code of our own.
function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}
