import type { Status } from "../api/meta-v1.gen.ts";
import { StatusError, statusErrorFrom } from "../api/status.ts";
import type { Http2Response } from "./http2-connection.ts";
import { readText } from "./read-body.ts";

/** Returns the error that a failed answer tells; one that is no `Status` (a proxy's page) is told by its HTTP status. */
export async function statusErrorFromResponse(response: Http2Response): Promise<StatusError> {
  const text = await readText(response.body, MAX_ERROR_BYTES).catch(() => "");
  return statusErrorFrom(parseStatus(text) ?? { message: textMessage(response.status, text) }, response.status);
}

/** Whether the server answered, rather than being silent: the same request would be answered alike. */
export function isAnswer(error: unknown): error is StatusError {
  return error instanceof StatusError;
}

/** Whether the server says that the object, or the namespace it would be in, is not there. */
export function isNotFound(error: unknown): boolean {
  return isAnswer(error) && error.code === "NotFound";
}

/** Whether the object was changed since it was read. */
export function isConflict(error: unknown): boolean {
  return isAnswer(error) && error.code === "Conflict";
}

/** Whether an object of that name is there already. */
export function isAlreadyExists(error: unknown): boolean {
  return isAnswer(error) && error.code === "AlreadyExists";
}

/** Whether the resource version asked for is no longer known, so that only a new list helps. */
export function isExpired(error: unknown): boolean {
  return isAnswer(error) && (error.code === "Expired" || error.code === "Gone");
}

/** Whether the server refuses to stream lists, as one does that knows of them but does not serve them. */
export function isUnsupportedWatchList(error: unknown): boolean {
  return isAnswer(error) && (error.code === "BadRequest" || error.code === "Invalid");
}

const MAX_ERROR_BYTES = 1 << 20;
const MAX_MESSAGE_LENGTH = 200;

function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isStatus = typeof value === "object" && value !== null && "kind" in value && value.kind === "Status";
    return isStatus ? (value as Status) : undefined;
  } catch {
    return undefined;
  }
}

function textMessage(httpStatus: number, text: string): string {
  const said = text.trim().slice(0, MAX_MESSAGE_LENGTH);
  return `the server answered with HTTP status ${httpStatus}${said === "" ? "" : `: ${said}`}`;
}
