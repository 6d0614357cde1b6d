/** What every room's error carries besides its message. */
export interface CodedErrorOptions {
  readonly cause?: unknown;
  /** What the user can do about it: one sentence, or a command to type. */
  readonly hint?: string | undefined;
}

/**
 * Base of each room's one error class. `code` comes from the room's closed set and is what callers match on;
 * messages read `Cannot <verb> "<object>": <reason>` and never hold secrets.
 */
export class CodedError<Code extends string> extends Error {
  readonly code: Code;
  readonly hint: string | undefined;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** Returns the `code` of anything thrown that has one (`ENOENT`, `BLOB_UNKNOWN`, …). */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** Returns a message for anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
