import { CodedError } from "../base/coded-error.ts";

/** What can go wrong in finding or allocating what belongs to one cluster. */
export type InstanceErrorCode = "INVALID_NAME" | "NO_FREE_RANGE" | "NO_FREE_PORT" | "RECORD_UNREADABLE";

/** The error of this room. */
export class InstanceError extends CodedError<InstanceErrorCode> {}
