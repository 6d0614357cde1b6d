import { STATUS_CODES } from "node:http";

import { readErrorBody } from "./error-body.ts";
import { describeLimit } from "./rate-limit.ts";
import { retryAfterMs } from "./retry-after.ts";
import { readBodyStart } from "./read-body.ts";
import { redactUrl } from "./redact-url.ts";
import { RegistryError, type RegistryErrorCode } from "./registry-error.ts";
import type { TransportAnswer } from "./transport.ts";

/** What was asked for when a registry answered with an error. */
export interface Asked {
  readonly method: string;
  readonly url: URL;
  /** What we were about to do, e.g. `resolve "docker.io/library/busybox:1"`. */
  readonly action: string;
  readonly what: "manifest" | "blob" | "upload";
  readonly hadCredential: boolean;
}

const MAX_ERROR_BYTES = 64 * 1024;

/** Returns the error that an answer stands for; reads the start of its body. */
export async function answerError(answer: TransportAnswer, asked: Asked): Promise<RegistryError> {
  const said = readErrorBody(await readBodyStart(answer, MAX_ERROR_BYTES));
  const { status } = answer;
  const isElsewhere = answer.url.origin !== asked.url.origin;
  const code = isElsewhere ? codeOfStorage(status) : codeOfAnswer(status, said.code, asked);
  const statusText = `${status} ${STATUS_CODES[status] ?? ""}`.trim();
  const retryAfter = retryAfterMs(answer.headers["retry-after"]);
  const limit = code === "TOO_MANY_REQUESTS" ? describeLimit(answer.headers, retryAfter) : "";
  const details = [said.code.toLowerCase().replaceAll("_", " "), said.text, limit].filter((part) => part !== "");
  const from = isElsewhere ? ` from "${answer.url.host}"` : "";
  const answered = `${asked.method} ${redactUrl(asked.url)} got ${statusText}${from}`;
  const message = `Cannot ${asked.action}: ${reasonOf(code, asked)}: ${[answered, ...new Set(details)].join(": ")}`;
  return new RegistryError(code, message, {
    status,
    retryAfterMs: retryAfter,
    hint: HINTS[code],
  });
}

const HINTS: Partial<Record<RegistryErrorCode, string>> = {
  NO_CREDENTIAL: "Give the pod an imagePullSecret for this registry.",
  CREDENTIAL_REFUSED: "Check the user name and password in the pull secret, and that they may read this repository.",
  TOO_MANY_REQUESTS: "Wait, or log in to the registry: many allow more to known users.",
};

/** A storage service that a registry redirected to says nothing about our credential: its own, in the URL, may have run out. */
function codeOfStorage(status: number): RegistryErrorCode {
  return status === 404 ? "BLOB_UNKNOWN" : "SERVER_ERROR";
}

function codeOfAnswer(status: number, code: string, asked: Asked): RegistryErrorCode {
  switch (status) {
    case 401:
    case 403:
      return asked.hadCredential ? "CREDENTIAL_REFUSED" : "NO_CREDENTIAL";
    case 404:
      if (code === "NAME_UNKNOWN" || asked.what === "upload") return "NAME_UNKNOWN";
      return asked.what === "blob" ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
    case 400:
      if (asked.what === "upload") return "UPLOAD_REFUSED";
      return code === "NAME_UNKNOWN" ? "NAME_UNKNOWN" : "UNEXPECTED_ANSWER";
    case 429:
      return "TOO_MANY_REQUESTS";
    default:
      if (status >= 500 || status === 408 || status === 425) return "SERVER_ERROR";
      return asked.what === "upload" ? "UPLOAD_REFUSED" : "UNEXPECTED_ANSWER";
  }
}

function reasonOf(code: RegistryErrorCode, asked: Asked): string {
  switch (code) {
    case "NO_CREDENTIAL":
      return "pull access denied, repository does not exist or may require authorization: no credentials were given";
    case "CREDENTIAL_REFUSED":
      return "pull access denied, repository does not exist or may require authorization: authorization failed";
    case "NAME_UNKNOWN":
    case "MANIFEST_UNKNOWN":
    case "BLOB_UNKNOWN":
      return "not found";
    case "TOO_MANY_REQUESTS":
      return "too many requests";
    case "UPLOAD_REFUSED":
      return "the registry refused it";
    default:
      return `unexpected status from ${asked.method} request`;
  }
}
