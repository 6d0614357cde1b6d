import { badRequestStatus } from "../../api/status.ts";

/** Where the next page of a list begins, and the revision that all its pages show. */
export interface ContinueToken {
  readonly revision: number;
  /** The last key that was looked at. */
  readonly after: string;
}

/** Returns a token as clients see it: text without meaning to them. */
export function formatContinueToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 1, rv: token.revision, after: token.after })).toString("base64url");
}

/** Reads a token. `prefix` is what its key must begin with. Throws `StatusError` with code `BadRequest`. */
export function parseContinueToken(text: string, prefix: string): ContinueToken {
  const { v, rv, after } = parseFields(text);
  if (v !== 1 || typeof rv !== "number" || !Number.isSafeInteger(rv) || rv <= 0) throw notValid();
  // A key from elsewhere would read what the request was not authorized for.
  if (typeof after !== "string" || !after.startsWith(prefix)) throw notValid();
  return { revision: rv, after };
}

function parseFields(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // What the parser says about it helps nobody.
  }
  throw notValid();
}

function notValid(): Error {
  return badRequestStatus("continue key is not valid");
}
