import { type OpenApiObject, schemaReference } from "./openapi-schemas.ts";
import { apiPath, apiVersionOf, type ResourceType } from "./resource-types.ts";
import { typeRefOfKind } from "./schema/type-schema.ts";

/** A kind as it is served: what the OpenAPI document needs to know of it. */
export interface OpenApiResource {
  readonly type: ResourceType<unknown>;
  /** As in `get`, `list` and `patch`. */
  readonly verbs: readonly string[];
  readonly subresources: readonly OpenApiSubresource[];
}

export interface OpenApiSubresource {
  /** As in `status`. */
  readonly name: string;
  readonly kind: GroupVersionKind;
  readonly verbs: readonly string[];
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** Returns the `paths` of the document: one operation for each verb of each resource. */
export function openApiPaths(resources: readonly OpenApiResource[]): OpenApiObject {
  return Object.fromEntries(resources.flatMap((resource) => [...collectionPaths(resource), ...objectPaths(resource)]));
}

type PathEntry = readonly [path: string, item: OpenApiObject];

function collectionPaths({ type, verbs }: OpenApiResource): readonly PathEntry[] {
  const operations = operationsOf(type, verbs, COLLECTION_METHODS);
  const own: PathEntry = [
    templatePath(type, undefined, undefined),
    { parameters: pathParameters(type, false), ...operations },
  ];
  if (!type.namespaced || !verbs.includes("list")) return [own];
  const everywhere = operationsOf(type, ["list"], COLLECTION_METHODS);
  return [own, [apiPath(type), { parameters: [], ...everywhere }]];
}

function objectPaths({ type, verbs, subresources }: OpenApiResource): readonly PathEntry[] {
  const parameters = pathParameters(type, true);
  return [
    [templatePath(type, "{name}", undefined), { parameters, ...operationsOf(type, verbs, OBJECT_METHODS) }],
    ...subresources.map(({ name, kind, verbs: subresourceVerbs }): PathEntry => {
      const methods = { ...OBJECT_METHODS, create: "post" };
      const operations = operationsOf(kind, subresourceVerbs, methods);
      return [templatePath(type, "{name}", name), { parameters, ...operations }];
    }),
  ];
}

const COLLECTION_METHODS: Readonly<Record<string, string>> = {
  list: "get",
  create: "post",
  deletecollection: "delete",
};
const OBJECT_METHODS: Readonly<Record<string, string>> = {
  get: "get",
  update: "put",
  patch: "patch",
  delete: "delete",
};

const ACTIONS: ReadonlyMap<string, string> = new Map([
  ["create", "post"],
  ["update", "put"],
]);

function operationsOf(
  kind: GroupVersionKind,
  verbs: readonly string[],
  methods: Readonly<Record<string, string>>,
): OpenApiObject {
  const served = Object.entries(methods).filter(([verb]) => verbs.includes(verb));
  return Object.fromEntries(served.map(([verb, method]) => [method, operation(kind, verb)]));
}

function operation({ group, version, kind }: GroupVersionKind, verb: string): OpenApiObject {
  const ref = typeRefOfKind(apiVersionOf({ group, version }), kind);
  const schema = ref === undefined ? { type: "object" } : schemaReference(ref);
  const listSchema = ref === undefined ? { type: "object" } : schemaReference(`${ref}List`);
  return {
    operationId: `${verb}${kind}`,
    parameters: queryParameters(verb),
    ...(BODY_TYPES[verb] === undefined ? {} : { requestBody: { content: contentOf(BODY_TYPES[verb], schema) } }),
    responses: {
      "200": { description: "OK", content: contentOf(["application/json"], verb === "list" ? listSchema : schema) },
      "401": { description: "Unauthorized" },
    },
    "x-kubernetes-action": ACTIONS.get(verb) ?? verb,
    "x-kubernetes-group-version-kind": { group, version, kind },
  };
}

const BODY_TYPES: Readonly<Record<string, readonly string[]>> = {
  create: ["*/*"],
  update: ["*/*"],
  patch: ["application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json"],
};

function contentOf(mediaTypes: readonly string[], schema: OpenApiObject): OpenApiObject {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, { schema }]));
}

const WRITE_QUERY = ["dryRun", "fieldManager", "fieldValidation"] as const;
const LIST_QUERY = [
  "allowWatchBookmarks",
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
  "watch",
] as const;

const QUERIES: Readonly<Record<string, readonly string[]>> = {
  create: WRITE_QUERY,
  update: WRITE_QUERY,
  patch: [...WRITE_QUERY, "force"],
  list: LIST_QUERY,
  delete: ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"],
  deletecollection: [
    ...LIST_QUERY.filter((name) => name !== "watch"),
    "dryRun",
    "gracePeriodSeconds",
    "propagationPolicy",
  ],
};

const QUERY_TYPES: ReadonlyMap<string, string> = new Map([
  ["allowWatchBookmarks", "boolean"],
  ["force", "boolean"],
  ["gracePeriodSeconds", "integer"],
  ["limit", "integer"],
  ["orphanDependents", "boolean"],
  ["sendInitialEvents", "boolean"],
  ["timeoutSeconds", "integer"],
  ["watch", "boolean"],
]);

function queryParameters(verb: string): readonly OpenApiObject[] {
  return [...(QUERIES[verb] ?? []), "pretty"].map((name) => ({
    name,
    in: "query",
    schema: { type: QUERY_TYPES.get(name) ?? "string", uniqueItems: true },
  }));
}

function pathParameters(type: ResourceType<unknown>, hasName: boolean): readonly OpenApiObject[] {
  const names = [...(hasName ? ["name"] : []), ...(type.namespaced ? ["namespace"] : [])];
  return names.map((name) => ({ name, in: "path", required: true, schema: { type: "string", uniqueItems: true } }));
}

function templatePath(type: ResourceType<unknown>, name: string | undefined, subresource: string | undefined): string {
  const namespace = type.namespaced ? "{namespace}" : undefined;
  return decodeURIComponent(apiPath(type, { namespace, name, subresource }));
}
