import { CodedError, type CodedErrorOptions } from "../base/coded-error.ts";
import { type FieldError, fieldErrorBody, fieldErrorText } from "./field-error.ts";
import type { Status, StatusDetails } from "./meta-v1.gen.ts";

/** A resource by group and plural name: `{ group: "apps", plural: "deployments" }`. */
export interface GroupResource {
  readonly group: string;
  readonly plural: string;
}

/** A kind by group: `{ group: "apps", kind: "Deployment" }`. */
export interface GroupKind {
  readonly group: string;
  readonly kind: string;
}

/** Why a request failed, in the API's words; the `code` of `StatusError`. Any other server's reason passes as text. */
export type StatusReason = keyof typeof HTTP_STATUS;

const HTTP_STATUS = {
  AlreadyExists: 409,
  BadRequest: 400,
  Conflict: 409,
  Expired: 410,
  Forbidden: 403,
  Gone: 410,
  InternalError: 500,
  Invalid: 422,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  NotFound: 404,
  RequestEntityTooLarge: 413,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  StoreReadError: 500,
  Timeout: 504,
  TooManyRequests: 429,
  Unauthorized: 401,
  Unknown: 500,
  UnsupportedMediaType: 415,
} as const satisfies Record<string, number>;

export interface StatusErrorOptions extends CodedErrorOptions {
  readonly details?: StatusDetails;
  /** The HTTP status where it differs from the reason's own. */
  readonly httpStatus?: number;
}

/** A failed API request: on the server what the answer will say, on the client what it said. `code` is the reason. */
export class StatusError extends CodedError<StatusReason> {
  readonly httpStatus: number;
  readonly details: StatusDetails | undefined;

  constructor(reason: StatusReason, message: string, options: StatusErrorOptions = {}) {
    super(reason, message, options);
    this.httpStatus = options.httpStatus ?? HTTP_STATUS[reason];
    this.details = options.details;
  }

  get reason(): StatusReason {
    return this.code;
  }

  /** Returns the `Status` object that goes over the wire. */
  toStatus(): Status {
    return {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message: this.message,
      reason: this.reason === "Unknown" ? undefined : this.reason,
      details: this.details,
      code: this.httpStatus,
    };
  }
}

/** Returns the error that a `Status` answer means; its own HTTP status holds where it names none. */
export function statusErrorFrom(status: Status, httpStatus: number): StatusError {
  const reason = isStatusReason(status.reason) ? status.reason : reasonOf(httpStatus);
  return new StatusError(reason, status.message ?? `the server answered ${httpStatus}`, {
    httpStatus: status.code ?? httpStatus,
    ...(status.details === undefined ? {} : { details: status.details }),
  });
}

/** `pods "x" not found`. */
export function notFoundStatus(resource: GroupResource, name: string): StatusError {
  return new StatusError("NotFound", `${resourceText(resource)} "${name}" not found`, {
    details: resourceDetails(resource, name),
  });
}

/** The answer to a path that nothing serves. */
export function unknownPathStatus(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", { details: {} });
}

/** `pods "x" already exists`. */
export function alreadyExistsStatus(resource: GroupResource, name: string): StatusError {
  return new StatusError("AlreadyExists", `${resourceText(resource)} "${name}" already exists`, {
    details: resourceDetails(resource, name),
  });
}

/** What an update with an old resource version says, the default of `conflictStatus`. */
const OBJECT_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again";

/** `Operation cannot be fulfilled on pods "x": …`. */
export function conflictStatus(resource: GroupResource, name: string, reason: string = OBJECT_MODIFIED): StatusError {
  const message = `Operation cannot be fulfilled on ${resourceText(resource)} "${name}": ${reason}`;
  return new StatusError("Conflict", message, { details: resourceDetails(resource, name) });
}

/** `Secret "x" is invalid: …` with one cause for each field. */
export function invalidStatus(kind: GroupKind, name: string, errors: readonly FieldError[]): StatusError {
  const kindText = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const texts = [...new Set(errors.map(fieldErrorText))];
  const summary = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  const causes = errors.map((error) => ({ reason: error.type, message: fieldErrorBody(error), field: error.field }));
  return new StatusError("Invalid", `${kindText} "${name}" is invalid: ${summary}`, {
    details: { ...nonEmpty({ name, group: kind.group }), kind: kind.kind, causes },
  });
}

/** `pods "x" is forbidden: …`. */
export function forbiddenStatus(resource: GroupResource, name: string, reason: string): StatusError {
  const object = name === "" ? resourceText(resource) : `${resourceText(resource)} "${name}"`;
  return new StatusError("Forbidden", `${object} is forbidden: ${reason}`, {
    details: resourceDetails(resource, name),
  });
}

/** The request proved no identity. */
export function unauthorizedStatus(message = "Unauthorized"): StatusError {
  return new StatusError("Unauthorized", message);
}

/** The request cannot be understood. */
export function badRequestStatus(message: string): StatusError {
  return new StatusError("BadRequest", message);
}

/** History up to the wanted resource version is no longer kept: list anew. */
export function expiredStatus(message: string): StatusError {
  return new StatusError("Expired", message);
}

/** The verb is not served for the resource. */
export function methodNotAllowedStatus(resource: GroupResource, verb: string): StatusError {
  const message = `${verb} is not supported on resources of kind "${resourceText(resource)}"`;
  return new StatusError("MethodNotAllowed", message, { details: resourceDetails(resource, "") });
}

/** None of the media types in `Accept` can be sent. */
export function notAcceptableStatus(accepted: readonly string[]): StatusError {
  return new StatusError("NotAcceptable", `only the following media types are accepted: ${accepted.join(", ")}`);
}

/** The body's media type cannot be read. */
export function unsupportedMediaTypeStatus(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return new StatusError("UnsupportedMediaType", message);
}

/** The body is longer than `limitBytes`. */
export function requestEntityTooLargeStatus(limitBytes: number): StatusError {
  return new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${limitBytes}`);
}

/** The answer took too long. */
export function timeoutStatus(message: string, retryAfterSeconds = 0): StatusError {
  return new StatusError("Timeout", `Timeout: ${message}`, { details: nonEmpty({ retryAfterSeconds }) });
}

/** The server does not serve this now. */
export function serviceUnavailableStatus(message: string): StatusError {
  return new StatusError("ServiceUnavailable", message);
}

/** A fault of the server. */
export function internalErrorStatus(message: string, cause?: unknown): StatusError {
  return new StatusError("InternalError", `Internal error occurred: ${message}`, {
    details: { causes: [{ message }] },
    cause,
  });
}

/** Returns a resource as messages name it, as in `pods` and `deployments.apps`. */
function resourceText(resource: GroupResource): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

function resourceDetails(resource: GroupResource, name: string): StatusDetails {
  return { ...nonEmpty({ name, group: resource.group }), kind: resource.plural };
}

function nonEmpty<T extends Record<string, string | number>>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== "" && value !== 0);
  return Object.fromEntries(entries) as Partial<T>;
}

function isStatusReason(reason: string | undefined): reason is StatusReason {
  return reason !== undefined && Object.hasOwn(HTTP_STATUS, reason);
}

function reasonOf(httpStatus: number): StatusReason {
  const entry = Object.entries(HTTP_STATUS).find(([reason, code]) => code === httpStatus && !AMBIGUOUS.has(reason));
  return isStatusReason(entry?.[0]) ? entry[0] : "Unknown";
}

/** Reasons that share their HTTP status with one that a bare status means more often. */
const AMBIGUOUS: ReadonlySet<string> = new Set(["AlreadyExists", "Gone", "ServerTimeout", "StoreReadError", "Unknown"]);
