import { codeOf } from "../base/coded-error.ts";
import type { Cause } from "./cause.ts";

/** Returns the cause that an error stands for: by its own `code`, else by that of what caused it. */
export function causeOfError(error: unknown): Cause {
  let current: unknown = error;
  for (let depth = 0; depth < MAX_CAUSE_DEPTH && current !== undefined; depth++) {
    const cause = CAUSES[codeOf(current) ?? ""];
    if (cause !== undefined) return cause;
    if (current instanceof Error && current.name === "TimeoutError") return "TimedOut";
    current = current instanceof Error ? current.cause : undefined;
  }
  return "Unknown";
}

const MAX_CAUSE_DEPTH = 8;

const CAUSES: Readonly<Record<string, Cause>> = {
  REFERENCE_INVALID: "BadReference",
  NAME_INVALID: "BadReference",
  NAME_UNKNOWN: "NotFound",
  MANIFEST_UNKNOWN: "NotFound",
  BLOB_UNKNOWN: "NotFound",
  NO_CREDENTIAL: "NoCredential",
  CREDENTIAL_REFUSED: "CredentialRefused",
  TOO_MANY_REQUESTS: "RateLimited",
  TLS_FAILURE: "TlsFailure",
  DNS_FAILURE: "DnsFailure",
  CONNECTION_REFUSED: "ConnectionRefused",
  NO_ROUTE: "NoRoute",
  PROXY_FAILURE: "ProxyFailure",
  TIMED_OUT: "TimedOut",
  PLATFORM_UNKNOWN: "WrongPlatform",
  NO_SPACE: "NoSpace",
  ENOSPC: "NoSpace",
  EDQUOT: "NoSpace",
  DIGEST_MISMATCH: "CorruptContent",
  SIZE_MISMATCH: "CorruptContent",
  LAYER_INVALID: "CorruptContent",
  LAYER_TOO_LARGE: "CorruptContent",
  DIFF_ID_MISMATCH: "CorruptContent",
  DIGEST_INVALID: "CorruptContent",
  DOCUMENT_INVALID: "CorruptContent",
  MANIFEST_INVALID: "CorruptContent",
  CONFIG_INVALID: "CorruptContent",
  MANIFEST_UNSUPPORTED: "UnsupportedManifest",
  SERVER_ERROR: "RegistryError",
  UNEXPECTED_ANSWER: "RegistryError",
  ANSWER_TOO_LARGE: "RegistryError",
  REDIRECT_REFUSED: "RegistryError",
  REALM_REFUSED: "RegistryError",
  CONNECTION_LOST: "RegistryError",
  HOSTS_INVALID: "RegistryError",
  UPLOAD_REFUSED: "RegistryError",
};
