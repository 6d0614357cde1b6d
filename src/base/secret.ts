import { inspect } from "node:util";

/** A value that must not be printed: every way of turning it into text gives `<redacted>`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Returns the value itself. Call it where the value is used, not before. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** What is shown in place of a secret. */
export const REDACTED = "<redacted>";
