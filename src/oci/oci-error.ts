import { CodedError } from "../base/coded-error.ts";

/** What this room throws: a reference, digest or document that does not follow the OCI specifications. */
export class OciError extends CodedError<OciErrorCode> {}

export type OciErrorCode =
  | "REFERENCE_INVALID"
  | "DIGEST_INVALID"
  | "DOCUMENT_INVALID"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNSUPPORTED"
  | "CONFIG_INVALID"
  | "PLATFORM_UNKNOWN";
