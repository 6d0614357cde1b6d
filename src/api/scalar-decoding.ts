import { canonicalQuantity } from "./quantity.ts";
import type { Scalar } from "./schema/type-schema.ts";

/** Why a JSON value is no value of a scalar type. */
export type ScalarFault =
  | { readonly kind: "mismatch" }
  /** Go's decoder has words of its own for the type. */
  | { readonly kind: "message"; readonly message: string };

/** Returns the value in canonical form, or why there is none. */
export function decodeScalar(value: unknown, scalar: Scalar): { readonly value: unknown } | ScalarFault {
  return DECODERS[scalar](value);
}

/** Returns the type's name in Go, which messages use. */
export function goScalarName(scalar: Scalar): string {
  return GO_NAMES[scalar];
}

type Decoder = (value: unknown) => { readonly value: unknown } | ScalarFault;

const MISMATCH: ScalarFault = { kind: "mismatch" };

const DECODERS: Record<Scalar, Decoder> = {
  string: (value) => (typeof value === "string" ? { value } : MISMATCH),
  boolean: (value) => (typeof value === "boolean" ? { value } : MISMATCH),
  int32: (value) => (isInteger(value, 2 ** 31) ? { value } : MISMATCH),
  int64: (value) => (isInteger(value, 2 ** 63) ? { value } : MISMATCH),
  double: (value) => (typeof value === "number" ? { value } : MISMATCH),
  bytes: decodeBytes,
  time: (value) => decodeTime(value, 0),
  microTime: (value) => decodeTime(value, 6),
  duration: (value) => (typeof value === "string" ? { value } : MISMATCH),
  quantity: decodeQuantity,
  intOrString: (value) => (typeof value === "string" || isInteger(value, 2 ** 31) ? { value } : MISMATCH),
  raw: (value) => ({ value }),
  any: (value) => ({ value }),
};

const GO_NAMES: Record<Scalar, string> = {
  string: "string",
  boolean: "bool",
  int32: "int32",
  int64: "int64",
  double: "float64",
  bytes: "[]uint8",
  time: "v1.Time",
  microTime: "v1.MicroTime",
  duration: "v1.Duration",
  quantity: "resource.Quantity",
  intOrString: "intstr.IntOrString",
  raw: "runtime.RawExtension",
  any: "interface {}",
};

function isInteger(value: unknown, limit: number): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= -limit && value < limit;
}

function decodeQuantity(value: unknown): ReturnType<Decoder> {
  try {
    return { value: canonicalQuantity(typeof value === "number" ? String(value) : stringOrEmpty(value)) };
  } catch (error) {
    return { kind: "message", message: error instanceof RangeError ? error.message : "unable to parse quantity" };
  }
}

function stringOrEmpty(value: unknown): string {
  return typeof value === "string" ? value.trim() : "";
}

function decodeBytes(value: unknown): ReturnType<Decoder> {
  if (typeof value !== "string") return MISMATCH;
  const offset = base64FaultOffset(value);
  if (offset !== undefined) return { kind: "message", message: `illegal base64 data at input byte ${offset}` };
  return { value: value.replaceAll(/[\r\n]/g, "") };
}

/** Returns the offset at which text stops being padded base64; line ends are ignored. */
function base64FaultOffset(text: string): number | undefined {
  const bad = /[^A-Za-z0-9+/\r\n]/.exec(text)?.index ?? text.length;
  const digits = text.slice(0, bad).replaceAll(/[\r\n]/g, "").length % 4;
  const rest = text.slice(bad).replaceAll(/[\r\n]/g, "");
  if (digits === 0) return rest === "" ? undefined : bad;
  const padding = "=".repeat(4 - digits);
  if (digits > 1 && rest === padding) return undefined;
  if (digits > 1 && rest.startsWith(padding)) return bad + padding.length;
  // Go names the start of a group that ends too early, and the character where a wrong one stands.
  return rest === "" ? text.length - (text.endsWith("\n") ? 0 : digits) : bad;
}

function decodeTime(value: unknown, fractionDigits: number): ReturnType<Decoder> {
  if (typeof value !== "string") {
    return { kind: "message", message: "json: cannot unmarshal value into Go value of type string" };
  }
  const match = RFC_3339.exec(value);
  const millis = match === null ? Number.NaN : Date.parse(value);
  if (match === null || Number.isNaN(millis) || !isDayOfMonth(match)) {
    return { kind: "message", message: timeFault(value) };
  }
  const seconds = new Date(millis).toISOString().slice(0, 19);
  const fraction = (match[4] ?? "").slice(0, fractionDigits).padEnd(fractionDigits, "0");
  return { value: fractionDigits === 0 ? `${seconds}Z` : `${seconds}.${fraction}Z` };
}

/** `Date` takes 30 February for 2 March. */
function isDayOfMonth([, year, month, day]: RegExpExecArray): boolean {
  return Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/;
const GO_LAYOUT = "2006-01-02T15:04:05Z07:00";

function timeFault(value: string): string {
  const shown = JSON.stringify(value.slice(0, 64));
  return `parsing time ${shown} as "${GO_LAYOUT}": cannot parse ${shown} as "2006"`;
}
