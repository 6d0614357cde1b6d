import { CodedError } from "../base/coded-error.ts";

/**
 * The error of CRI calls, in process and over gRPC. Codes are gRPC's status names. Where the kubelet decides by a reason
 * (`RegistryUnavailable`, `SignatureValidationFailed`), the message starts with that word, as CRI prescribes.
 */
export class CriError extends CodedError<CriErrorCode> {}

export type CriErrorCode =
  | "ALREADY_EXISTS"
  | "CANCELLED"
  | "DEADLINE_EXCEEDED"
  | "FAILED_PRECONDITION"
  | "INTERNAL"
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "RESOURCE_EXHAUSTED"
  | "UNAUTHENTICATED"
  | "UNAVAILABLE"
  | "UNIMPLEMENTED"
  | "UNKNOWN";
