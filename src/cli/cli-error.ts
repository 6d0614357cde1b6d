import { CodedError } from "../base/coded-error.ts";

export type CliErrorCode =
  | "CONFIG_INVALID"
  | "FLAG_INVALID"
  | "HOST_UNFIT"
  | "KUBECTL_MISSING"
  | "NOT_PERMITTED"
  | "NOT_RUNNING"
  | "START_FAILED"
  | "STOP_FAILED";

/** The error of commands. */
export class CliError extends CodedError<CliErrorCode> {}
