import { readFileSync } from "node:fs";

/**
 * Reads the descriptions of a schema file (`core-v1`): `Type` and `Type.field` to text. Nothing is kept, since only OpenAPI
 * needs them, and once.
 */
export function readTypeDescriptions(file: string): ReadonlyMap<string, string> {
  const url = new URL(`./${file}.descriptions.gen.json`, import.meta.url);
  return new Map(Object.entries(JSON.parse(readFileSync(url, "utf8")) as Record<string, string>));
}
