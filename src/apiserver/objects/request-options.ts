import type { FieldValidation } from "../../api/strict-decoding.ts";
import { badRequestStatus, StatusError } from "../../api/status.ts";
import type { ApiRequest } from "../http/api-request.ts";

/** Whether a write is only to be tried (`dryRun=All`). Throws `StatusError` with code `Invalid`. */
export function isDryRun(values: readonly string[], kind: string): boolean {
  const unknown = values.find((value) => value !== "All" && value !== "");
  if (unknown !== undefined) {
    const message = `${kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ${JSON.stringify(unknown)}: supported values: "All"`;
    throw new StatusError("Invalid", message);
  }
  return values.includes("All");
}

/** Returns what `fieldValidation` asks for; `Warn` by default. Throws `StatusError` with code `Invalid`. */
export function fieldValidationOf({ query }: ApiRequest): FieldValidation {
  const value = query.get("fieldValidation") ?? "";
  if (value === "" || value === "Warn") return "Warn";
  if (value === "Strict" || value === "Ignore") return value;
  throw new StatusError(
    "Invalid",
    `CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
  );
}

/** Reads a whole number from the query; undefined where it is absent. Throws `StatusError` with code `BadRequest`. */
export function integerOf({ query }: ApiRequest, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequestStatus(`${name}: ${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}
