import { type Digest, isDigest } from "./digest.ts";
import { OciError, type OciErrorCode } from "./oci-error.ts";
import type { JsonObject, JsonValue } from "./strict-json.ts";

/** Reads typed fields of one JSON object; every fault is an `OciError` with the code it was made with, naming the field. */
export class JsonReader {
  readonly #object: JsonObject;
  readonly #code: OciErrorCode;
  readonly #path: string;

  constructor(value: JsonValue | undefined, code: OciErrorCode, path: string) {
    this.#code = code;
    this.#path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw this.fault("must be an object");
    this.#object = value;
  }

  /** Refuses keys that differ from a known one by case alone: Go's readers would take them, ours would not. */
  rejectCaseVariantsOf(known: readonly string[]): this {
    const byLowerCase = new Map(known.map((key) => [key.toLowerCase(), key]));
    for (const key of Object.keys(this.#object)) {
      const meant = byLowerCase.get(key.toLowerCase());
      if (meant !== undefined && meant !== key) throw this.fault(`has a field spelled otherwise than "${meant}"`);
    }
    return this;
  }

  has(key: string): boolean {
    return this.#object[key] !== undefined && this.#object[key] !== null;
  }

  optionalString(key: string): string | undefined {
    return this.#optional(key, "a string", (value) => (typeof value === "string" ? value : undefined));
  }

  string(key: string): string {
    return this.#required(key, this.optionalString(key));
  }

  optionalBoolean(key: string): boolean | undefined {
    return this.#optional(key, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** Returns a whole number of 0 or more. */
  count(key: string): number {
    const found = this.#optional(key, "a whole number of 0 or more", (value) => (isCount(value) ? value : undefined));
    return this.#required(key, found);
  }

  digest(key: string): Digest {
    const text = this.string(key);
    if (!isDigest(text)) throw this.fault(`has in "${key}" no sha256 or sha512 digest`);
    return text;
  }

  optionalDigest(key: string): Digest | undefined {
    return this.has(key) ? this.digest(key) : undefined;
  }

  optionalObject(key: string): JsonReader | undefined {
    return this.has(key) ? this.object(key) : undefined;
  }

  object(key: string): JsonReader {
    return new JsonReader(this.#object[key], this.#code, this.#child(key));
  }

  /** Returns the elements, none where the field is absent or null. Faults when there are more than `max`. */
  list(key: string, max: number): readonly JsonValue[] {
    const value = this.#object[key] ?? [];
    if (!Array.isArray(value)) throw this.fault(`has in "${key}" no list`);
    if (value.length > max) throw this.fault(`has in "${key}" ${value.length} elements, more than ${max}`);
    return value;
  }

  objects(key: string, max: number): readonly JsonReader[] {
    return this.list(key, max).map((item, index) => new JsonReader(item, this.#code, `${this.#child(key)}[${index}]`));
  }

  strings(key: string, max: number): readonly string[] {
    return this.list(key, max).map((item, index) => {
      if (typeof item !== "string") throw this.fault(`has in "${key}[${index}]" no string`);
      return item;
    });
  }

  /** Returns a map of strings, without prototype. */
  stringMap(key: string, max: number): Readonly<Record<string, string>> {
    const map = Object.create(null) as Record<string, string>;
    const entries = this.has(key) ? Object.entries(this.object(key).#object) : [];
    if (entries.length > max) throw this.fault(`has in "${key}" ${entries.length} entries, more than ${max}`);
    for (const [name, value] of entries) {
      if (typeof value !== "string") throw this.fault(`has in "${key}" a value that is no string`);
      map[name] = value;
    }
    return map;
  }

  /** Returns the keys of an object whose values mean nothing, as image configs write sets. */
  keys(key: string, max: number): readonly string[] {
    const keys = this.has(key) ? Object.keys(this.object(key).#object) : [];
    if (keys.length > max) throw this.fault(`has in "${key}" ${keys.length} entries, more than ${max}`);
    return keys;
  }

  /** Returns the error that this object `reason`, e.g. `has no layers`. */
  fault(reason: string): OciError {
    return new OciError(this.#code, `Cannot read the ${this.#path}: it ${reason}`);
  }

  #optional<T>(key: string, wanted: string, pick: (value: JsonValue) => T | undefined): T | undefined {
    const value = this.#object[key];
    if (value === undefined || value === null) return undefined;
    const picked = pick(value);
    if (picked === undefined) throw this.fault(`has in "${key}" not ${wanted}`);
    return picked;
  }

  #required<T>(key: string, value: T | undefined): T {
    if (value === undefined) throw this.fault(`lacks the field "${key}"`);
    return value;
  }

  #child(key: string): string {
    return `${this.#path}.${key}`;
  }
}

function isCount(value: JsonValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
