import { CodedError } from "../base/coded-error.ts";

export type DaemonErrorCode = "ALREADY_RUNNING" | "START_FAILED" | "NOT_READY" | "NOT_PERMITTED";

/** The error of the composition roots. */
export class DaemonError extends CodedError<DaemonErrorCode> {}
