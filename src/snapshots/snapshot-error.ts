import { CodedError } from "../base/coded-error.ts";

/** What this room throws: a layer that cannot be unpacked, or a snapshot that is missing or in use. */
export class SnapshotError extends CodedError<SnapshotErrorCode> {}

export type SnapshotErrorCode =
  | "LAYER_INVALID"
  | "LAYER_TOO_LARGE"
  | "DIFF_ID_MISMATCH"
  | "NO_SPACE"
  | "SNAPSHOT_UNKNOWN"
  | "SNAPSHOT_IN_USE"
  | "UNPACKER_FAILED";

/** Returns the error of a layer that does not follow the format or would reach out of its root. */
export function invalidLayer(reason: string, cause?: unknown): SnapshotError {
  return new SnapshotError("LAYER_INVALID", `Cannot unpack the layer: ${reason}`, { cause });
}
