import { CodedError } from "../base/coded-error.ts";

/**
 * Why a container could not be started. The code is the reason its status waits with, the message what that status says;
 * `eventDetail` is what follows `Error: ` in the event.
 */
export class ContainerStartError extends CodedError<WaitingReason> {
  readonly eventDetail: string | undefined;
  /** When another try makes sense, in ms since the epoch; undefined for the usual retry of the worker. */
  readonly retryAt: number | undefined;

  constructor(reason: WaitingReason, message: string, details: StartErrorDetails = {}) {
    super(reason, message, details);
    this.eventDetail = details.eventDetail;
    this.retryAt = details.retryAt;
  }
}

export interface StartErrorDetails {
  readonly cause?: unknown;
  /** Undefined where the failure already has its own event. */
  readonly eventDetail?: string | undefined;
  readonly retryAt?: number | undefined;
}

export type WaitingReason =
  | "CrashLoopBackOff"
  | "CreateContainerConfigError"
  | "CreateContainerError"
  | "ErrImageNeverPull"
  | "ErrImagePull"
  | "ImageInspectError"
  | "ImagePullBackOff"
  | "InvalidImageName"
  | "PostStartHookError"
  | "RegistryUnavailable"
  | "RunContainerError"
  | "SignatureValidationFailed";
