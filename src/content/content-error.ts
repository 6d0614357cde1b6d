import { CodedError } from "../base/coded-error.ts";

/** What this room throws: a blob that is missing, or that is not what its digest says. */
export class ContentError extends CodedError<ContentErrorCode> {}

export type ContentErrorCode = "BLOB_UNKNOWN" | "DIGEST_MISMATCH" | "SIZE_MISMATCH" | "BLOB_TOO_LARGE" | "NO_SPACE";
