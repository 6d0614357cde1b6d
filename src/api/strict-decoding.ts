import type { KubernetesObject } from "./kubernetes-object.ts";
import { decodeScalar, goScalarName } from "./scalar-decoding.ts";
import { type FieldSchema, type TypeRef, typeRefOfKind, typeSchema } from "./schema/type-schema.ts";
import { badRequestStatus } from "./status.ts";
import { parseStrictJson } from "./strict-json.ts";

/** What the `fieldValidation` query says about unknown and duplicate fields. */
export type FieldValidation = "Ignore" | "Strict" | "Warn";

/** Which kind a body has to be. */
export interface ExpectedKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/**
 * An object as its kind's schema has it: unknown fields gone, required ones there with their zero value, and quantities,
 * times and base64 in canonical form.
 */
export interface Decoded<T> {
  readonly object: T;
  /** As in `unknown field "spec.containers[0].foo"`; for `enforceFieldValidation`. */
  readonly strictErrors: readonly string[];
}

/** Decodes a JSON body. Throws `StatusError` with code `BadRequest` in the API server's words. */
export function decodeJson<T extends KubernetesObject>(body: string, expected: ExpectedKind): Decoded<T> {
  const { value, duplicates } = parseStrictJson(body);
  const decoded = decodeValue<T>(value, expected);
  const duplicateErrors = duplicates.map((path) => `duplicate field "${path}"`);
  return { ...decoded, strictErrors: [...duplicateErrors, ...decoded.strictErrors].slice(0, MAX_STRICT_ERRORS) };
}

/**
 * Decodes a value that JSON, YAML, protobuf or a patch gave; `value` itself stays as it is. A missing `apiVersion` or
 * `kind` is filled in. Throws `StatusError` with code `BadRequest`.
 */
export function decodeValue<T extends KubernetesObject>(value: unknown, expected: ExpectedKind): Decoded<T> {
  const ref = typeRefOfKind(expected.apiVersion, expected.kind);
  if (ref === undefined)
    throw badRequestStatus(`no kind "${expected.kind}" is registered for version "${expected.apiVersion}"`);
  if (!isObject(value))
    throw badRequestStatus(`the object provided is unrecognized (must be of type ${expected.kind})`);
  checkKind(value, expected);
  const decoding = new Decoding(expected);
  const object = decoding.struct(value, ref, ROOT);
  return {
    object: { ...object, apiVersion: expected.apiVersion, kind: expected.kind } as T,
    strictErrors: decoding.strictErrors,
  };
}

/**
 * Returns the warnings to answer with; for `Strict` throws `StatusError` with code `BadRequest` where there is any fault.
 */
export function enforceFieldValidation(
  strictErrors: readonly string[],
  validation: FieldValidation,
  expected: ExpectedKind,
): readonly string[] {
  if (validation === "Ignore" || strictErrors.length === 0) return [];
  if (validation === "Warn") return strictErrors;
  throw cannotBeHandled(expected, strictDecodingText(strictErrors));
}

/** Returns `strict decoding error: unknown field "a", unknown field "b"`. */
function strictDecodingText(strictErrors: readonly string[]): string {
  return `strict decoding error: ${strictErrors.join(", ")}`;
}

const MAX_STRICT_ERRORS = 100;

/** Where in an object the decoder is: with indices for people, without for Go's type errors. */
interface Place {
  readonly path: string;
  readonly goPath: string;
  /** The Go struct whose field this is. */
  readonly struct: string;
}

const ROOT: Place = { path: "", goPath: "", struct: "" };

type JsonObject = Readonly<Record<string, unknown>>;

class Decoding {
  readonly strictErrors: string[] = [];
  readonly #expected: ExpectedKind;

  constructor(expected: ExpectedKind) {
    this.#expected = expected;
  }

  struct(value: unknown, ref: TypeRef, place: Place): JsonObject {
    const fields = typeSchema(ref)?.fields ?? {};
    const object = this.#objectOf(value, place, `v1.${typeName(ref)}`);
    const result: Record<string, unknown> = {};
    for (const [name, inner] of Object.entries(object)) {
      const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (field === undefined) {
        this.#unknownField(join(place.path, name));
        continue;
      }
      if (inner === null) continue;
      const decoded = this.#field(inner, field, {
        path: join(place.path, name),
        goPath: join(place.goPath, name),
        struct: typeName(ref),
      });
      if (field.omitsZero !== true || !isZero(decoded, field)) result[name] = decoded;
    }
    for (const [name, field] of alwaysPresentFields(ref)) result[name] ??= this.#zeroValue(field, place);
    return result;
  }

  #zeroValue(field: FieldSchema, place: Place): unknown {
    if (field.container !== undefined) return field.container === "list" ? [] : {};
    return field.ref === undefined ? ZERO_VALUES.get(field.scalar ?? "any") : this.struct({}, field.ref, place);
  }

  #field(value: unknown, field: FieldSchema, place: Place): unknown {
    switch (field.container) {
      case "list":
        return this.#list(value, field, place);
      case "map":
        return this.#map(value, place, goTypeName(field), (inner, at) => this.#single(inner, field, at));
      case "mapOfLists":
        return this.#map(value, place, goTypeName(field), (inner, at) => this.#list(inner, field, at));
      default:
        return this.#single(value, field, place);
    }
  }

  #list(value: unknown, field: FieldSchema, place: Place): readonly unknown[] {
    if (!Array.isArray(value)) throw this.#mismatch(value, `[]${elementName(field)}`, place);
    return value.map((inner: unknown, index) =>
      this.#single(inner, field, { ...place, path: `${place.path}[${index}]` }),
    );
  }

  #map(value: unknown, place: Place, goName: string, decode: (inner: unknown, place: Place) => unknown): JsonObject {
    const entries = Object.entries(this.#objectOf(value, place, goName));
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, decode(inner, { ...place, path: join(place.path, key) })]),
    );
  }

  #single(value: unknown, field: FieldSchema, place: Place): unknown {
    if (field.ref !== undefined) return this.struct(value ?? {}, field.ref, place);
    const scalar = field.scalar ?? "any";
    if (value === null) return ZERO_VALUES.get(scalar) ?? null;
    const decoded = decodeScalar(value, scalar);
    if ("value" in decoded) return decoded.value;
    if (decoded.kind === "message") throw cannotBeHandled(this.#expected, decoded.message);
    throw this.#mismatch(value, goScalarName(scalar), place);
  }

  #objectOf(value: unknown, place: Place, goName: string): JsonObject {
    if (isObject(value)) return value;
    throw this.#mismatch(value, goName, place);
  }

  #unknownField(path: string): void {
    if (this.strictErrors.length < MAX_STRICT_ERRORS) this.strictErrors.push(`unknown field "${path}"`);
  }

  #mismatch(value: unknown, goName: string, place: Place): Error {
    const target = `Go struct field ${place.struct}.${place.goPath} of type ${goName}`;
    return cannotBeHandled(this.#expected, `json: cannot unmarshal ${jsonKind(value)} into ${target}`);
  }
}

const ZERO_VALUES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["string", ""],
  ["bytes", ""],
  ["boolean", false],
  ["int32", 0],
  ["int64", 0],
  ["double", 0],
  ["quantity", "0"],
  ["intOrString", 0],
]);

function alwaysPresentFields(ref: TypeRef): readonly (readonly [string, FieldSchema])[] {
  const known = alwaysPresentByRef.get(ref);
  if (known !== undefined) return known;
  const fields = Object.entries(typeSchema(ref)?.fields ?? {}).filter(
    // The zero time is absent in JSON too.
    ([, field]) => field.alwaysPresent === true && (field.scalar === undefined || ZERO_VALUES.has(field.scalar)),
  );
  alwaysPresentByRef.set(ref, fields);
  return fields;
}

const alwaysPresentByRef = new Map<TypeRef, readonly (readonly [string, FieldSchema])[]>();

function cannotBeHandled(expected: ExpectedKind, reason: string): Error {
  const version = expected.apiVersion.split("/").at(-1) ?? "";
  const kind = expected.kind;
  return badRequestStatus(`${kind} in version "${version}" cannot be handled as a ${kind}: ${reason}`);
}

function checkKind(value: JsonObject, expected: ExpectedKind): void {
  const { apiVersion = "", kind = "" } = value;
  if (typeof apiVersion !== "string" || typeof kind !== "string") {
    throw badRequestStatus("couldn't get version/kind; json parse error: apiVersion and kind must be strings");
  }
  if (kind !== "" && kind !== expected.kind) {
    const version = JSON.stringify(apiVersion === "" ? expected.apiVersion : apiVersion);
    throw badRequestStatus(`${kind} in version ${version} cannot be handled as a ${expected.kind}: unknown conversion`);
  }
  if (apiVersion !== "" && apiVersion !== expected.apiVersion) {
    const reason = `does not match the expected API version (${expected.apiVersion})`;
    throw badRequestStatus(`the API version in the data (${apiVersion}) ${reason}`);
  }
}

function isZero(value: unknown, field: FieldSchema): boolean {
  if (value === "" || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return field.container !== undefined && isObject(value) && Object.keys(value).length === 0;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "number" : `number ${value}`;
  return typeof value;
}

function goTypeName(field: FieldSchema): string {
  return `map[string]${field.container === "mapOfLists" ? "[]" : ""}${elementName(field)}`;
}

function elementName(field: FieldSchema): string {
  return field.ref === undefined ? goScalarName(field.scalar ?? "any") : `v1.${typeName(field.ref)}`;
}

function typeName(ref: TypeRef): string {
  return ref.slice(ref.indexOf("/") + 1);
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
