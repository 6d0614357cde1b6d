import { badRequestStatus } from "../../api/status.ts";

/** Parses one YAML document by the rules of YAML 1.1, as kubectl does. Throws `StatusError` with code `BadRequest`. */
export async function parseYaml(text: string): Promise<unknown> {
  const { parseDocument } = await import("yaml");
  // Aliases make small documents large: none are followed.
  const document = parseDocument(text, { version: "1.1", uniqueKeys: true, customTags: withoutTimestamps });
  const [error] = document.errors;
  if (error !== undefined) {
    const place = error.linePos?.[0];
    const where = place === undefined ? "" : ` at line ${place.line}, column ${place.col}`;
    throw badRequestStatus(`error converting YAML to JSON: ${error.code}${where}`);
  }
  try {
    return document.toJS({ maxAliasCount: 0 }) as unknown;
  } catch {
    throw badRequestStatus("error converting YAML to JSON: aliases are not followed");
  }
}

// Times stay the text they are written as.
function withoutTimestamps<T>(tags: readonly T[]): T[] {
  return tags.filter((tag) => tag !== "timestamp" && !isTimestampTag(tag));
}

function isTimestampTag(tag: unknown): boolean {
  return typeof tag === "object" && tag !== null && "tag" in tag && tag.tag === "tag:yaml.org,2002:timestamp";
}
