import { codeOf, messageOf } from "../../base/coded-error.ts";
import { StorageError } from "../storage.ts";
import type { WorkerError } from "./worker-protocol.ts";

// Primary result codes of SQLite.
const SQLITE_FULL = 13;
const CORRUPTIONS: ReadonlySet<number> = new Set([11, 26]);

/** Translates what SQLite or the system threw into the storage room's vocabulary. */
export function storageErrorFrom(error: unknown, path: string): WorkerError {
  if (error instanceof StorageError) return { code: error.code, message: error.message, hint: error.hint };
  const result = resultCodeOf(error);
  const code = codeOf(error);
  if (result === SQLITE_FULL || code === "ENOSPC" || code === "EDQUOT") {
    return { code: "NO_SPACE", message: `Cannot write to the store "${path}": no space is left` };
  }
  return {
    code: CORRUPTIONS.has(result) ? "CORRUPT" : "UNAVAILABLE",
    message: `Cannot use the store "${path}": ${messageOf(error)}`,
  };
}

function resultCodeOf(error: unknown): number {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return -1;
  // The upper bits hold SQLite's extended code.
  return Number(error.errcode) & 0xff;
}
