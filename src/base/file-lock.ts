import { closeSync, openSync, statSync } from "node:fs";
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
 * it dies. `path` is a file of its own in an existing directory; its holder may remove it. Throws `FileLockError` with code `LOCKED`.
 */
export async function lockFile(path: string, options: FileLockOptions): Promise<AsyncDisposable> {
  const deadline = performance.now() + options.waitMs;
  for (;;) {
    const lock = tryLock(path);
    if (lock !== undefined) return lock;
    if (performance.now() >= deadline) {
      throw new FileLockError("LOCKED", `Cannot lock "${path}": another process holds it`);
    }
    await delay(RETRY_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
}

const RETRY_MS = 10;
/** SQLITE_BUSY, the only error that means "held by somebody else". */
const SQLITE_BUSY = 5;

function tryLock(path: string): AsyncDisposable | undefined {
  closeSync(openSync(path, "a", 0o600));
  const before = identityOf(path);
  const database = new DatabaseSync(path, { timeout: 0 });
  // The holder before us may have removed the file: a lock on what has no name any more keeps nobody out.
  if (before !== undefined && isLocked(database) && identityOf(path) === before) {
    return {
      [Symbol.asyncDispose]: () => {
        database.close();
        return Promise.resolve();
      },
    };
  }
  database.close();
  return undefined;
}

// Node has no flock; an exclusive SQLite transaction is an fcntl lock on the file without native code of our own.
function isLocked(database: DatabaseSync): boolean {
  try {
    // Nothing is ever written: a journal would only be another file in the directory.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return false;
    throw error;
  }
}

function identityOf(path: string): string | undefined {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}
