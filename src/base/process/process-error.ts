import { CodedError } from "../coded-error.ts";

/** A program that could not be started or did not end in time. A program that ended with an error is a result, not this. */
export class ProcessError extends CodedError<"NOT_FOUND" | "NOT_STARTED" | "TIMED_OUT"> {}
