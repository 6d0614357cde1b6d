/** What is wrong with one field of an object; the words are those of Kubernetes' `field.Error`. */
export interface FieldError {
  readonly type: FieldErrorType;
  /** The path, as in `spec.containers[0].name`. */
  readonly field: string;
  /** The value found, where the message shows it. Never pass the content of a secret. */
  readonly value?: unknown;
  readonly detail: string;
}

export type FieldErrorType =
  | "FieldValueDuplicate"
  | "FieldValueForbidden"
  | "FieldValueInvalid"
  | "FieldValueNotFound"
  | "FieldValueNotSupported"
  | "FieldValueRequired"
  | "FieldValueTooLong"
  | "FieldValueTooMany";

/** Returns the path of a field inside `path`. */
export function at(path: string, ...names: readonly string[]): string {
  let result = path;
  for (const name of names) result = result === "" ? name : `${result}.${name}`;
  return result;
}

/** Returns the path of a list element. */
export function atIndex(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** Returns the path of a map entry. */
export function atKey(path: string, key: string): string {
  return `${path}[${key}]`;
}

/** The field must be given. */
export function required(field: string, detail = ""): FieldError {
  return { type: "FieldValueRequired", field, detail };
}

/** The value breaks a rule. */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: "FieldValueInvalid", field, value, detail };
}

/** The value is none of `supported`. */
export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map((text) => JSON.stringify(text)).join(", ");
  return { type: "FieldValueNotSupported", field, value, detail: list === "" ? "" : `supported values: ${list}` };
}

/** The value is there twice. */
export function duplicate(field: string, value: unknown): FieldError {
  return { type: "FieldValueDuplicate", field, value, detail: "" };
}

/** The field may not be set here. */
export function forbidden(field: string, detail: string): FieldError {
  return { type: "FieldValueForbidden", field, detail };
}

/** What the value refers to does not exist. */
export function notFound(field: string, value: unknown): FieldError {
  return { type: "FieldValueNotFound", field, value, detail: "" };
}

/** The text is longer than `maxBytes`. */
export function tooLong(field: string, maxBytes: number): FieldError {
  return { type: "FieldValueTooLong", field, detail: `may not be more than ${maxBytes} bytes` };
}

/** The list has more than `max` elements. */
export function tooMany(field: string, actual: number, max: number): FieldError {
  return { type: "FieldValueTooMany", field, value: actual, detail: `must have at most ${max} items` };
}

/** Returns `<field>: <type>: <value>: <detail>`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}

/** Returns the message without the path. */
export function fieldErrorBody(error: FieldError): string {
  const type = TYPE_TEXTS[error.type];
  const body = VALUELESS.has(error.type) ? type : `${type}: ${valueText(error.value)}`;
  return error.detail === "" ? body : `${body}: ${error.detail}`;
}

const TYPE_TEXTS = {
  FieldValueDuplicate: "Duplicate value",
  FieldValueForbidden: "Forbidden",
  FieldValueInvalid: "Invalid value",
  FieldValueNotFound: "Not found",
  FieldValueNotSupported: "Unsupported value",
  FieldValueRequired: "Required value",
  FieldValueTooLong: "Too long",
  FieldValueTooMany: "Too many",
} as const satisfies Record<FieldErrorType, string>;

const VALUELESS: ReadonlySet<FieldErrorType> = new Set([
  "FieldValueForbidden",
  "FieldValueRequired",
  "FieldValueTooLong",
]);

function valueText(value: unknown): string {
  return value === undefined ? "null" : JSON.stringify(value);
}
