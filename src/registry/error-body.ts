const MAX_MESSAGE_LENGTH = 256;

/** What a registry says went wrong. */
export interface RegistryMessage {
  /** A code of the distribution specification, e.g. `MANIFEST_UNKNOWN`; empty where it gave none. */
  readonly code: string;
  /** One line, at most 256 characters, without anything that looks like a token. */
  readonly text: string;
}

/** Reads the body of an error answer: the specification's JSON, a token service's, or nothing that we repeat. */
export function readErrorBody(body: string): RegistryMessage {
  const { code, message } = firstError(parse(body));
  return { code: /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "", text: sanitize(message) };
}

/** Returns text from a registry as one line without control characters and without long runs that may be secrets. */
export function sanitize(text: string): string {
  const line = text
    .replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    // Signed URLs carry their signature in the query.
    .replaceAll(/(https?:\/\/[^\s?"']*)\?[^\s"']*/g, "$1?<redacted>")
    .replaceAll(/(https?:\/\/)[^\s/@"']+@/g, "$1<redacted>@")
    .replaceAll(/\b(basic|bearer)\s+[\w+/=.~-]{6,}/gi, "$1 <redacted>")
    .replaceAll(/(?<!sha256:|sha512:)\b[A-Za-z0-9_+/=.-]{64,}/g, "<redacted>")
    .trim();
  return line.length > MAX_MESSAGE_LENGTH ? `${line.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : line;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

function firstError(document: unknown): { code: string; message: string } {
  const errors = field(document, "errors");
  const first = Array.isArray(errors) ? (errors[0] as unknown) : document;
  const code = field(first, "code");
  const message = field(first, "message") ?? field(first, "details") ?? field(first, "error_description");
  return {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : "",
  };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
