import { CodedError } from "../base/coded-error.ts";

/** What can go wrong with keys: the file holds no usable key pair, or cannot be written. */
export type PkiErrorCode = "INVALID_NAME" | "UNREADABLE" | "UNWRITABLE";

/** The error of the pki room. */
export class PkiError extends CodedError<PkiErrorCode> {}
