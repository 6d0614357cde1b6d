/** A number with a unit suffix, exact to 10⁻⁹: `500m`, `64Mi`, `1e3`. */
export interface ParsedQuantity {
  readonly nanos: bigint;
  /** How it was written, and is written again. */
  readonly format: "BinarySI" | "DecimalSI" | "DecimalExponent";
}

/** Parses a quantity; fractions below 10⁻⁹ are rounded away from zero. Throws `RangeError` in Kubernetes' words. */
export function parseQuantity(text: string): ParsedQuantity {
  // A longer text cannot be a number anybody means, and powers of its exponent must stay small.
  const match = text.length > MAX_LENGTH ? null : QUANTITY.exec(text);
  if (match === null) throw new RangeError(FORMAT_ERROR);
  const [, sign = "", number = "", suffix = ""] = match;
  const digits = /^(\d*)\.?(\d*)$/.exec(number);
  if (digits === null || number === ".") throw new RangeError("unable to parse numeric part of quantity");
  const unit = unitOf(suffix);
  const fraction = digits[2] ?? "";
  const mantissa = BigInt(`${digits[1] ?? ""}${fraction}`);
  const exact = scaled(mantissa * unit.factor, unit.exponent + 9 - fraction.length);
  const nanos = exact > MAX_VALUE ? MAX_VALUE : exact;
  return { nanos: sign === "-" ? -nanos : nanos, format: unit.format };
}

/** Returns the canonical text: the largest unit without fraction, in the quantity's own format. */
function formatQuantity(quantity: ParsedQuantity): string {
  if (quantity.nanos === 0n) return "0";
  if (quantity.format === "BinarySI" && isBinaryWritable(quantity.nanos)) return binaryText(quantity.nanos / NANO);
  let mantissa = quantity.nanos;
  let exponent = -9;
  while (mantissa % 1000n === 0n && exponent < 18) {
    mantissa /= 1000n;
    exponent += 3;
  }
  if (quantity.format !== "DecimalExponent") return `${mantissa}${DECIMAL_SUFFIXES.get(exponent) ?? ""}`;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}

/** Returns the canonical form of a quantity's text. Throws as `parseQuantity` does. */
export function canonicalQuantity(text: string): string {
  return formatQuantity(parseQuantity(text));
}

/** Returns a negative number, 0 or a positive number as `a` is less than, equal to or more than `b`. */
export function compareQuantities(a: string, b: string): number {
  const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** Returns the sum in the format of the first quantity, or of the second where the first is zero. */
export function addQuantities(a: string, b: string): string {
  const first = parseQuantity(a);
  const second = parseQuantity(b);
  const format = first.nanos === 0n ? second.format : first.format;
  return formatQuantity({ nanos: first.nanos + second.nanos, format });
}

/** Returns a quantity as a whole number, rounded up: bytes, or pieces. */
export function quantityValue(text: string): number {
  return Number(ceilDivide(parseQuantity(text).nanos, NANO));
}

/** Returns a quantity in thousandths, rounded up: milli-CPU. */
export function quantityMilliValue(text: string): number {
  return Number(ceilDivide(parseQuantity(text).nanos, 1_000_000n));
}

const MAX_LENGTH = 128;
const NANO = 1_000_000_000n;
const MAX_VALUE = (2n ** 63n - 1n) * NANO;
const QUANTITY = /^([+-]?)([0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/;
const FORMAT_ERROR = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const DECIMAL_SUFFIXES: ReadonlyMap<number, string> = new Map([
  [-9, "n"],
  [-6, "u"],
  [-3, "m"],
  [0, ""],
  [3, "k"],
  [6, "M"],
  [9, "G"],
  [12, "T"],
  [15, "P"],
  [18, "E"],
]);

const BINARY_SUFFIXES = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;

interface Unit {
  readonly factor: bigint;
  readonly exponent: number;
  readonly format: ParsedQuantity["format"];
}

const UNITS: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ...BINARY_SUFFIXES.slice(1).map(
    (suffix, index) => [suffix, { factor: 1024n ** BigInt(index + 1), exponent: 0, format: "BinarySI" }] as const,
  ),
  ...[...DECIMAL_SUFFIXES].map(
    ([exponent, suffix]) => [suffix, { factor: 1n, exponent, format: "DecimalSI" }] as const,
  ),
]);

function unitOf(suffix: string): Unit {
  const unit = UNITS.get(suffix);
  if (unit !== undefined) return unit;
  const exponent = /^[eE]([-+]?\d+)$/.exec(suffix)?.[1];
  if (exponent === undefined) throw new RangeError("unable to parse quantity's suffix");
  // Beyond this every number is zero or too large: no need to compute its power.
  const bounded = Math.max(-MAX_LENGTH * 2, Math.min(MAX_LENGTH * 2, Number(exponent)));
  return { factor: 1n, exponent: bounded, format: "DecimalExponent" };
}

/** `mantissa` × 10^`exponent`, rounded up. */
function scaled(mantissa: bigint, exponent: number): bigint {
  return exponent >= 0 ? mantissa * 10n ** BigInt(exponent) : ceilDivide(mantissa, 10n ** BigInt(-exponent));
}

function ceilDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a > 0n === b > 0n ? quotient + 1n : quotient;
}

/** Below 1024 and with fractions the decimal form says the same without rounding. */
function isBinaryWritable(nanos: bigint): boolean {
  const size = nanos < 0n ? -nanos : nanos;
  return size >= 1024n * NANO && nanos % NANO === 0n;
}

function binaryText(value: bigint): string {
  let mantissa = value;
  let power = 0;
  while (mantissa % 1024n === 0n && power < BINARY_SUFFIXES.length - 1) {
    mantissa /= 1024n;
    power++;
  }
  return `${mantissa}${BINARY_SUFFIXES[power] ?? ""}`;
}
