import { badRequestStatus } from "./status.ts";

/** One condition of a field selector. */
export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** The selectable fields of an object and their values as text; an absent value is the empty text. */
export type SelectableFields = Readonly<Record<string, string>>;

/** Parses a `fieldSelector` query, as in `spec.nodeName=a,status.phase!=Running`. Throws `StatusError` with code `BadRequest`. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text.length > MAX_LENGTH) throw badRequestStatus(`invalid selector: it is longer than ${MAX_LENGTH} characters`);
  return splitTerms(text)
    .filter((term) => term !== "")
    .map(parseTerm);
}

/** Says whether an object's fields meet every condition. Throws `BadRequest` for a field that cannot be selected by. */
export function matchesFields(requirements: readonly FieldRequirement[], fields: SelectableFields): boolean {
  return requirements.every(({ field, operator, value }) => {
    if (!Object.hasOwn(fields, field)) throw unsupportedField(field);
    return (fields[field] === value) === (operator === "=");
  });
}

/** Throws `BadRequest` where a condition names a field that is not among `supported`. */
export function checkSelectableFields(requirements: readonly FieldRequirement[], supported: readonly string[]): void {
  for (const { field } of requirements) if (!supported.includes(field)) throw unsupportedField(field);
}

const MAX_LENGTH = 64 * 1024;

function unsupportedField(field: string): Error {
  return badRequestStatus(`field label not supported: ${field}`);
}

/** Splits at commas that no backslash escapes. */
function splitTerms(text: string): readonly string[] {
  return text.match(/(?:\\.|[^,\\])+/gs) ?? [];
}

function parseTerm(term: string): FieldRequirement {
  const match = /^((?:\\.|[^\\=!])*?)(!=|==|=)(.*)$/s.exec(term);
  const [, field, operator, value] = match ?? [];
  if (field === undefined || value === undefined) {
    throw badRequestStatus(`invalid selector: '${term}'; can't understand '${term}'`);
  }
  return { field: field.trim(), operator: operator === "!=" ? "!=" : "=", value: unescapeValue(value, term) };
}

function unescapeValue(value: string, term: string): string {
  const unescaped = value.replaceAll(/\\([\\,=])/g, "$1");
  if (/\\(?:[^\\,=]|$)/.test(value.replaceAll(/\\[\\,=]/g, ""))) {
    throw badRequestStatus(`invalid selector: '${term}'; invalid escape sequence in value`);
  }
  return unescaped;
}
