import { OciError } from "./oci-error.ts";

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject;

/** Has no prototype, so that `__proto__` and `constructor` are keys like any other. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

const MAX_DEPTH = 64;

/**
 * Parses JSON that two readers could not read differently: UTF-8 without byte order mark, no key twice, integers that are
 * exact, at most 64 levels. Throws `OciError` with code `DOCUMENT_INVALID`; its message tells the place, not the content.
 */
export function parseStrictJson(bytes: Uint8Array): JsonValue {
  return new StrictJsonParser(decodeUtf8(bytes)).parse();
}

function decodeUtf8(bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw invalid("it starts with a byte order mark");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw invalid("it is not UTF-8");
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;

class StrictJsonParser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonValue {
    const value = this.#value(0);
    if (this.#at < this.#text.length) throw this.#fault("more follows the value");
    return value;
  }

  #value(depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.#fault(`it is nested deeper than ${MAX_DEPTH} levels`);
    this.#skipSpace();
    const value = this.#bareValue(depth);
    this.#skipSpace();
    return value;
  }

  #bareValue(depth: number): JsonValue {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): JsonObject {
    const object = Object.create(null) as Record<string, JsonValue>;
    this.#items("}", () => {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#fault("a key is expected");
      const key = this.#string();
      // JSON.parse keeps the last of two equal keys, other readers the first: neither is right.
      if (key in object) throw this.#fault("a key appears twice");
      this.#skipSpace();
      this.#expect(":");
      object[key] = this.#value(depth + 1);
    });
    return object;
  }

  #array(depth: number): JsonValue[] {
    const array: JsonValue[] = [];
    this.#items("]", () => array.push(this.#value(depth + 1)));
    return array;
  }

  #items(close: string, readItem: () => void): void {
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      readItem();
      if (this.#text[this.#at] !== ",") break;
      this.#at++;
    }
    this.#expect(close);
  }

  #string(): string {
    const text = this.#match(STRING) ?? "";
    if (text === "") throw this.#fault("a string is malformed");
    return JSON.parse(text) as string;
  }

  #number(): number {
    const text = this.#match(NUMBER) ?? "";
    if (text === "") throw this.#fault("a value is expected");
    const value = Number(text);
    const isExact = /[.eE]/.test(text) ? Number.isFinite(value) : Number.isSafeInteger(value);
    if (!isExact) throw this.#fault("a number is out of range");
    return value;
  }

  #word<T extends JsonValue>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault("a value is expected");
    this.#at += word.length;
    return value;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.#fault(`"${character}" is expected`);
    this.#at++;
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #fault(reason: string): OciError {
    return invalid(`${reason} at offset ${this.#at}`);
  }
}

function invalid(reason: string): OciError {
  return new OciError("DOCUMENT_INVALID", `Cannot parse the JSON document: ${reason}`);
}
