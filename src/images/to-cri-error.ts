import { CodedError, messageOf } from "../base/coded-error.ts";
import { CriError, type CriErrorCode } from "../cri/cri-error.ts";
import type { Cause } from "../trace/cause.ts";
import { causeOfError } from "../trace/cause-of-error.ts";

/** Returns the CRI error of a pull of `image` that failed. */
export function pullError(image: string, error: unknown, signal: AbortSignal | undefined): CriError {
  if (error instanceof CriError) return error;
  const code = signal?.aborted === true ? "CANCELLED" : (CODES[causeOfError(error)] ?? "UNKNOWN");
  const hint = error instanceof CodedError ? error.hint : undefined;
  return new CriError(code, `Cannot pull "${image}": ${reasonIn(messageOf(error), image)}`, { cause: error, hint });
}

const CODES: Partial<Record<Cause, CriErrorCode>> = {
  BadReference: "INVALID_ARGUMENT",
  NotFound: "NOT_FOUND",
  WrongPlatform: "NOT_FOUND",
  NoCredential: "UNAUTHENTICATED",
  CredentialRefused: "UNAUTHENTICATED",
  RateLimited: "RESOURCE_EXHAUSTED",
  NoSpace: "RESOURCE_EXHAUSTED",
  DnsFailure: "UNAVAILABLE",
  ConnectionRefused: "UNAVAILABLE",
  NoRoute: "UNAVAILABLE",
  TlsFailure: "UNAVAILABLE",
  ProxyFailure: "UNAVAILABLE",
  RegistryError: "UNAVAILABLE",
  TimedOut: "DEADLINE_EXCEEDED",
  CorruptContent: "FAILED_PRECONDITION",
  UnsupportedManifest: "FAILED_PRECONDITION",
};

/** What failed, without saying once more which image it was. */
function reasonIn(message: string, image: string): string {
  const opening = `Cannot resolve "${image}": `;
  if (message.startsWith(opening)) return message.slice(opening.length);
  return message.charAt(0).toLowerCase() + message.slice(1);
}
