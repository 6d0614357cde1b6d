import { CodedError } from "../base/coded-error.ts";

/** What this room throws when the engine's database cannot be used. */
export class MetadataError extends CodedError<MetadataErrorCode> {}

export type MetadataErrorCode =
  | "DATABASE_CORRUPT"
  | "DATABASE_IN_USE"
  | "VERSION_TOO_NEW"
  | "VERSION_TOO_OLD"
  | "NO_SPACE";
