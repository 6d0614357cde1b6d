import { CodedError } from "../base/coded-error.ts";

/** What goes wrong between us and the OCI runtime or conmon. */
export class RuntimeError extends CodedError<RuntimeErrorCode> {}

export type RuntimeErrorCode =
  /** No OCI runtime or no conmon on this machine. */
  | "PROGRAM_MISSING"
  /** What was asked for cannot be put into a container's configuration. */
  | "INVALID_CONFIG"
  /** The runtime refused to create or start the container. */
  | "CREATE_FAILED"
  | "START_FAILED"
  | "NOT_RUNNING"
  | "EXEC_FAILED"
  | "TIMED_OUT"
  /** The runtime failed at something else. */
  | "COMMAND_FAILED";
