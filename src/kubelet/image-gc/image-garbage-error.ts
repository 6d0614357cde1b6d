import { CodedError } from "../../base/coded-error.ts";

export type ImageGarbageErrorCode = "STATS_FAILED" | "INVALID_CAPACITY" | "NOT_ENOUGH_FREED" | "REMOVAL_FAILED";

/** Why images could not be collected, in the kubelet's words, which its events tell. */
export class ImageGarbageError extends CodedError<ImageGarbageErrorCode> {}
