import { codeOf, messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import { internalErrorStatus, serviceUnavailableStatus, StatusError, timeoutStatus } from "../../api/status.ts";
import { StorageError } from "../../storage/storage.ts";
import { type ApiResponse, jsonResponse } from "./api-response.ts";

/** Translates anything thrown into what the API answers. What is our own fault is logged, not told. */
export function statusFromError(error: unknown, logger: Logger): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof StorageError) return statusFromStorage(error);
  if (error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError")) {
    return timeoutStatus("request did not complete within the allotted timeout");
  }
  logger.error({ error }, "a request failed unexpectedly");
  return internalErrorStatus("the server failed; its log says why", error);
}

/** Returns the answer that an error means. */
export function errorResponse(error: StatusError): ApiResponse {
  const response = jsonResponse(error.httpStatus, error.toStatus());
  const seconds = error.details?.retryAfterSeconds;
  const headers: Record<string, string> = { ...response.headers };
  if (seconds !== undefined && seconds > 0) headers["retry-after"] = String(seconds);
  if (error.reason === "Unauthorized") headers["www-authenticate"] = "Bearer";
  return { ...response, headers };
}

function statusFromStorage(error: StorageError): StatusError {
  switch (codeOf(error)) {
    case "COMPACTED":
      return new StatusError("Expired", "The resourceVersion for the provided list is too old.");
    case "NO_SPACE":
      return new StatusError("InternalError", `Internal error occurred: ${messageOf(error)}`, {
        details: { causes: [{ message: messageOf(error) }] },
      });
    default:
      return serviceUnavailableStatus(messageOf(error));
  }
}
