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
  return new SnapshotError("LAYER_INVALID", `${OPENING}${reason}`, { cause });
}

/** Returns the error of one entry of a layer; `name` is a byte string. */
export function invalidEntry(name: string, error: SnapshotError): SnapshotError {
  const reason = error.message.replace(OPENING, "");
  return new SnapshotError(error.code, `${OPENING}entry ${shownName(name)}: ${reason}`, { cause: error.cause });
}

/** Returns a name of the attacker's choosing, a byte string, as quoted text that does nothing to a terminal. */
export function shownName(name: string): string {
  const text = Buffer.from(name.slice(0, MAX_SHOWN_NAME), "latin1").toString("utf8");
  return JSON.stringify(text).replaceAll(/[\u007f-\u009f\p{Cf}]/gu, "\ufffd");
}

const OPENING = "Cannot unpack the layer: ";
const MAX_SHOWN_NAME = 200;
