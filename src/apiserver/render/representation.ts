import { notAcceptableStatus } from "../../api/status.ts";
import type { ApiRequest } from "../http/api-request.ts";

/** How a client wants objects shown. */
export type Representation =
  | { readonly kind: "object" }
  | { readonly kind: "table"; readonly apiVersion: string; readonly includeObject: IncludeObject }
  | { readonly kind: "metadata"; readonly apiVersion: string };

/** What a table row says of its object. */
export type IncludeObject = "None" | "Metadata" | "Object";

/** Returns the first representation in `Accept` that is served. Throws `StatusError` with code `NotAcceptable`. */
export function representationOf({ headers, query }: ApiRequest): Representation {
  const accept = headers.accept ?? "*/*";
  for (const range of accept.split(",")) {
    const [mediaType = "", ...parameters] = range.split(";").map((part) => part.trim());
    if (!JSON_RANGES.has(mediaType.toLowerCase())) continue;
    const representation = shownAs(new Map(parameters.map(parameterOf)), query);
    if (representation !== undefined) return representation;
  }
  throw notAcceptableStatus(["application/json"]);
}

const JSON_RANGES: ReadonlySet<string> = new Set(["application/json", "application/*", "*/*", ""]);
const TABLE_VERSIONS: ReadonlySet<string> = new Set(["v1", "v1beta1"]);

function shownAs(parameters: ReadonlyMap<string, string>, query: URLSearchParams): Representation | undefined {
  const as = parameters.get("as");
  if (as === undefined) return { kind: "object" };
  const version = parameters.get("v") ?? "";
  if (parameters.get("g") !== "meta.k8s.io" || !TABLE_VERSIONS.has(version)) return undefined;
  const apiVersion = `meta.k8s.io/${version}`;
  if (as === "Table") return { kind: "table", apiVersion, includeObject: includeObjectOf(query) };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") return { kind: "metadata", apiVersion };
  return undefined;
}

function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get("includeObject");
  return value === "None" || value === "Object" ? value : "Metadata";
}

function parameterOf(text: string): [string, string] {
  const at = text.indexOf("=");
  return at === -1 ? [text, ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
