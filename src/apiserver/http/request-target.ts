import { badRequestStatus } from "../../api/status.ts";

/** Where a path leads: to a resource of the API, or to something else such as `/healthz`. */
export type RequestTarget = ResourceTarget | { readonly kind: "path"; readonly path: string };

/** What a resource path names. */
export interface ResourceTarget {
  readonly kind: "resource";
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  /** As in `status`; deeper ones are joined by `/`. */
  readonly subresource?: string;
  readonly verb: Verb;
}

/** A verb as authorization rules name it. */
export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/**
 * Reads `/api/VERSION/…` and `/apis/GROUP/VERSION/…`, each followed by
 * `[namespaces/NAMESPACE/]RESOURCE[/NAME[/SUBRESOURCE]]`. Throws `StatusError` with code `BadRequest`.
 */
export function parseRequestTarget(method: string, path: string, query: URLSearchParams): RequestTarget {
  const segments = path.split("/").slice(1).map(decodeSegment);
  if (segments.at(-1) === "") segments.pop();
  const rest = segments[0] === "api" ? segments.slice(1) : segments.slice(2);
  const [version, ...names] = rest;
  const isApi = segments[0] === "api" || segments[0] === "apis";
  const group = segments[0] === "api" ? "" : segments[1];
  if (!isApi || group === undefined || version === undefined || names.length === 0) return { kind: "path", path };
  const named = splitNames(names);
  if (named.resource === undefined || segments.includes("")) return { kind: "path", path };
  const verb = verbOf(method, named.name !== undefined, query);
  return { kind: "resource", group, version, ...named, resource: named.resource, verb };
}

type Names = Pick<ResourceTarget, "namespace" | "name" | "subresource"> & { readonly resource?: string };

// `namespaces/x/status` is a subresource of the namespace, `namespaces/x/pods` a resource within it.
const NAMESPACE_SUBRESOURCES: ReadonlySet<string> = new Set(["status", "finalize"]);

function splitNames(segments: readonly string[]): Names {
  const [first, second, third] = segments;
  const isScoped = first === "namespaces" && third !== undefined && !NAMESPACE_SUBRESOURCES.has(third);
  if (isScoped && second !== undefined) return { namespace: second, ...resourceNames(segments.slice(2)) };
  return resourceNames(segments);
}

function resourceNames([resource, name, ...subresource]: readonly string[]): Names {
  return {
    ...(resource === undefined ? {} : { resource }),
    ...(name === undefined ? {} : { name }),
    ...(subresource.length === 0 ? {} : { subresource: subresource.join("/") }),
  };
}

function verbOf(method: string, hasName: boolean, query: URLSearchParams): Verb {
  switch (method) {
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return hasName ? "delete" : "deletecollection";
    default:
      if (hasName) return "get";
      return isTrue(query.get("watch")) ? "watch" : "list";
  }
}

/** Reads a boolean as Go's ParseBool does; anything else is false. */
export function isTrue(text: string | null): boolean {
  return text !== null && /^(?:1|t|T|true|TRUE|True)$/.test(text);
}

function decodeSegment(segment: string): string {
  const decoded = decodedOf(segment);
  // Names become parts of keys: one with a slash would lead elsewhere.
  if (decoded === undefined || decoded.includes("/") || decoded.includes("\0")) {
    throw badRequestStatus(`the path segment ${JSON.stringify(segment)} cannot be part of a path`);
  }
  return decoded;
}

function decodedOf(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}
