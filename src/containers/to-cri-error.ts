import { codeOf, messageOf } from "../base/coded-error.ts";
import { CriError, type CriErrorCode } from "../cri/cri-error.ts";

/** Returns what a verb of CRI throws for anything thrown below it. */
export function toCriError(error: unknown): unknown {
  if (error instanceof CriError) return error;
  // An abort is the caller's own doing, and told as it is.
  if (error instanceof Error && error.name === "AbortError") return error;
  const code = CODES[codeOf(error) ?? ""] ?? "UNKNOWN";
  return new CriError(code, messageOf(error), { cause: error });
}

const CODES: Readonly<Record<string, CriErrorCode>> = {
  INVALID_CONFIG: "INVALID_ARGUMENT",
  NOT_RUNNING: "FAILED_PRECONDITION",
  NOT_CONFIGURED: "UNAVAILABLE",
  NO_FREE_ADDRESS: "RESOURCE_EXHAUSTED",
  NO_SPACE: "RESOURCE_EXHAUSTED",
  ENOSPC: "RESOURCE_EXHAUSTED",
  TIMED_OUT: "DEADLINE_EXCEEDED",
  SNAPSHOT_UNKNOWN: "NOT_FOUND",
};
