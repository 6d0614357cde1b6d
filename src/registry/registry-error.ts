import { CodedError, type CodedErrorOptions } from "../base/coded-error.ts";

/** What this room throws: a registry that did not answer, refused, or answered what nobody can use. */
export class RegistryError extends CodedError<RegistryErrorCode> {
  /** Status of the answer, where there was one. */
  readonly status: number | undefined;
  /** How long the registry asked to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: RegistryErrorCode, message: string, options: RegistryErrorOptions = {}) {
    super(code, message, options);
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

export interface RegistryErrorOptions extends CodedErrorOptions {
  readonly status?: number | undefined;
  readonly retryAfterMs?: number | undefined;
}

export type RegistryErrorCode =
  | "NO_CREDENTIAL"
  | "CREDENTIAL_REFUSED"
  | "NAME_UNKNOWN"
  | "MANIFEST_UNKNOWN"
  | "BLOB_UNKNOWN"
  | "TOO_MANY_REQUESTS"
  | "SERVER_ERROR"
  | "UNEXPECTED_ANSWER"
  | "ANSWER_TOO_LARGE"
  | "DIGEST_MISMATCH"
  | "REDIRECT_REFUSED"
  | "REALM_REFUSED"
  | "TLS_FAILURE"
  | "NOT_TLS"
  | "DNS_FAILURE"
  | "CONNECTION_REFUSED"
  | "NO_ROUTE"
  | "CONNECTION_LOST"
  | "PROXY_FAILURE"
  | "HOSTS_INVALID"
  | "UPLOAD_REFUSED"
  | "TIMED_OUT";
