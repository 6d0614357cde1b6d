import { createHash } from "node:crypto";
import { openApiPaths, type OpenApiResource } from "./openapi-paths.ts";
import { componentSchemas, type OpenApiObject } from "./openapi-schemas.ts";
import { apiVersionOf } from "./resource-types.ts";
import { type TypeRef, typeRefOfKind, typeSchema, typeSchemasOf } from "./schema/type-schema.ts";

/** A group-version that has a document. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/**
 * Returns the OpenAPI v3 document of a group-version, whose resources these are, as JSON text in UTF-8: their paths, and the
 * schemas of their kinds with all they refer to. Built when first asked for, then kept as long as
 * the list of resources lives.
 */
export function openApiDocument(resources: readonly OpenApiResource[]): Uint8Array {
  const known = documents.get(resources);
  if (known !== undefined) return known;
  const document = Buffer.from(JSON.stringify(buildDocument(resources)));
  documents.set(resources, document);
  return document;
}

/** Returns what `/openapi/v3` answers: each document's address with a hash that changes when the document does. */
export function openApiIndex(
  groups: readonly { readonly groupVersion: GroupVersion; readonly resources: readonly OpenApiResource[] }[],
): OpenApiObject {
  const paths = groups.map(({ groupVersion, resources }) => {
    const path = documentPath(groupVersion);
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${openApiHash(groupVersion, resources)}` }] as const;
  });
  return { paths: Object.fromEntries(paths) };
}

/** Returns the hash of a document without building it: everything it is made of is hashed instead. */
export function openApiHash(groupVersion: GroupVersion, resources: readonly OpenApiResource[]): string {
  const hash = createHash("sha256").update(JSON.stringify(typeSchemasOf(apiVersionOf(groupVersion))));
  return hash.update(JSON.stringify(resources)).digest("hex").toUpperCase();
}

/** Returns a document's path below `/openapi/v3/`, as in `api/v1` and `apis/coordination.k8s.io/v1`. */
export function documentPath({ group, version }: GroupVersion): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

const documents = new WeakMap<readonly OpenApiResource[], Uint8Array>();

/** What every group-version's requests and answers use. */
const SHARED_TYPES: readonly TypeRef[] = ["meta-v1/DeleteOptions", "meta-v1/Status", "meta-v1/WatchEvent"];

function buildDocument(resources: readonly OpenApiResource[]): OpenApiObject {
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.36.0" },
    paths: openApiPaths(resources),
    components: { schemas: componentSchemas([...new Set([...resources.flatMap(typesOf), ...SHARED_TYPES])]) },
  };
}

function typesOf({ type, subresources }: OpenApiResource): readonly TypeRef[] {
  return [type, ...subresources.map((subresource) => subresource.kind)].flatMap((kind) => {
    const ref = typeRefOfKind(apiVersionOf(kind), kind.kind);
    if (ref === undefined) return [];
    return typeSchema(`${ref}List`) === undefined ? [ref] : [ref, `${ref}List`];
  });
}
