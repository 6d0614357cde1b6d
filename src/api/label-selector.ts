import { labelKeyFaults, labelValueFaults } from "./validation/names.ts";
import { badRequestStatus } from "./status.ts";

/** One condition of a label selector. Values are a set; `Gt` and `Lt` compare integers. */
export interface LabelRequirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt";
  readonly values: readonly string[];
}

export type Labels = Readonly<Record<string, string>>;

/** Parses a `labelSelector` query, as in `app=web,tier in (a,b),!canary`. Throws `StatusError` with code `BadRequest`. */
export function parseLabelSelector(text: string): readonly LabelRequirement[] {
  if (text.length > MAX_LENGTH) throw unparsable(`it is longer than ${MAX_LENGTH} characters`);
  const tokens = new Tokens(text);
  if (tokens.peek() === "") return [];
  const requirements: LabelRequirement[] = [];
  for (;;) {
    requirements.push(parseRequirement(tokens));
    const separator = tokens.next();
    if (separator === "") return requirements;
    if (separator !== ",") throw unparsable(`found '${separator}', expected: ',' or 'end of string'`);
  }
}

/** Says whether labels meet every condition. */
export function matchesLabels(requirements: readonly LabelRequirement[], labels: Labels | undefined): boolean {
  return requirements.every((requirement) => matchesRequirement(requirement, labels ?? {}));
}

const MAX_LENGTH = 64 * 1024;

function matchesRequirement(requirement: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  return OPERATORS[requirement.operator](value, requirement.values);
}

const OPERATORS: Record<
  LabelRequirement["operator"],
  (value: string | undefined, values: readonly string[]) => boolean
> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, values) => isInteger(value) && BigInt(value) > BigInt(values[0] ?? 0),
  Lt: (value, values) => isInteger(value) && BigInt(value) < BigInt(values[0] ?? 0),
};

function isInteger(value: string | undefined): value is string {
  return value !== undefined && /^-?\d{1,19}$/.test(value);
}

function parseRequirement(tokens: Tokens): LabelRequirement {
  const negated = tokens.peek() === "!";
  if (negated) tokens.next();
  const key = checkedKey(tokens.next());
  if (negated) return { key, operator: "DoesNotExist", values: [] };
  const operator = tokens.peek();
  if (operator === "" || operator === ",") return { key, operator: "Exists", values: [] };
  tokens.next();
  switch (operator) {
    case "=":
    case "==":
      return { key, operator: "In", values: [checkedValue(tokens.word())] };
    case "!=":
      return { key, operator: "NotIn", values: [checkedValue(tokens.word())] };
    case "in":
      return { key, operator: "In", values: parseValues(tokens) };
    case "notin":
      return { key, operator: "NotIn", values: parseValues(tokens) };
    case ">":
      return { key, operator: "Gt", values: [checkedInteger(tokens.word())] };
    case "<":
      return { key, operator: "Lt", values: [checkedInteger(tokens.word())] };
    default:
      throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
  }
}

function parseValues(tokens: Tokens): readonly string[] {
  const open = tokens.next();
  if (open !== "(") throw unparsable(`found '${open}', expected: '('`);
  const values: string[] = [];
  for (;;) {
    values.push(checkedValue(tokens.word()));
    const separator = tokens.next();
    if (separator === ")") return values;
    if (separator !== ",") throw unparsable(`found '${separator}', expected: ',' or ')'`);
  }
}

function checkedKey(key: string): string {
  const fault = labelKeyFaults(key)[0];
  if (fault !== undefined) throw unparsable(`key: Invalid value: ${JSON.stringify(key)}: ${fault}`);
  return key;
}

function checkedValue(value: string): string {
  const fault = labelValueFaults(value)[0];
  if (fault !== undefined) throw unparsable(`values[0]: Invalid value: ${JSON.stringify(value)}: ${fault}`);
  return value;
}

function checkedInteger(value: string): string {
  if (!isInteger(value))
    throw unparsable(
      `values[0]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`,
    );
  return value;
}

function unparsable(reason: string): Error {
  return badRequestStatus(`unable to parse requirement: ${reason}`);
}

/** Splits a selector into words and the symbols `! = == != < > ( ) ,`; the end is the empty text. */
class Tokens {
  readonly #tokens: readonly string[];
  #position = 0;

  constructor(text: string) {
    this.#tokens = text.match(/==|!=|[!=<>(),]|[^\s!=<>(),]+/g) ?? [];
  }

  peek(): string {
    return this.#tokens[this.#position] ?? "";
  }

  next(): string {
    const token = this.peek();
    this.#position++;
    return token;
  }

  /** Returns the next word; the empty one where a symbol or the end comes next, as in `a=,b`. */
  word(): string {
    return /^[,()]?$/.test(this.peek()) ? "" : this.next();
  }
}
