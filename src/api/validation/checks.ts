import { type FieldError, invalid, notSupported, required } from "../field-error.ts";
import type { Faults } from "./names.ts";

/** The errors of one part of an object, in the order Kubernetes reports them. */
export type FieldErrors = Iterable<FieldError>;

/** Reports each fault of a text as an invalid value. */
export function* checkText(path: string, value: string, faultsOf: (value: string) => Faults): FieldErrors {
  for (const fault of faultsOf(value)) yield invalid(path, value, fault);
}

/** Reports an absent or empty text as required, else what is wrong with it. */
export function* checkRequiredText(
  path: string,
  value: string | undefined,
  faultsOf: (value: string) => Faults = () => [],
): FieldErrors {
  if (value === undefined || value === "") yield required(path);
  else yield* checkText(path, value, faultsOf);
}

/** Reports a value that is none of the supported ones; an absent one is required. */
export function* checkChoice(path: string, value: string | undefined, supported: readonly string[]): FieldErrors {
  if (value === undefined || value === "") yield required(path);
  else if (!supported.includes(value)) yield notSupported(path, value, supported);
}

/** Reports a value that is none of the supported ones; an absent one is fine. */
export function* checkOptionalChoice(
  path: string,
  value: string | undefined,
  supported: readonly string[],
): FieldErrors {
  if (value !== undefined && value !== "") yield* checkChoice(path, value, supported);
}

/** Reports a number below zero. */
export function* checkNonNegative(path: string, value: number | undefined): FieldErrors {
  if (value !== undefined && value < 0) yield invalid(path, value, "must be greater than or equal to 0");
}

/** Reports a number outside of a range; `max` is included. */
export function* checkRange(path: string, value: number | undefined, min: number, max: number): FieldErrors {
  if (value === undefined || (value >= min && value <= max)) return;
  yield invalid(path, value, `must be between ${min} and ${max}, inclusive`);
}

/** The largest user or group id. */
export const MAX_ID = 2_147_483_647;
