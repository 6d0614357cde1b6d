import type { OpenApiResource } from "../../api/openapi-paths.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { notAcceptableStatus, unknownPathStatus } from "../../api/status.ts";
import type { Handler } from "../http/api-request.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import { RESOURCE_VERBS, type DiscoverableKind, VIEW_VERBS } from "../resources/resource-definition.ts";

const ROOT = "/openapi/v3";
const NOTHING = new Uint8Array();

/**
 * Returns what answers `/openapi/v3` and the documents below it. A document is made when it is first asked for, and kept;
 * its address names its content, so clients keep it too.
 */
export function createOpenApiHandler(definitions: readonly DiscoverableKind[]): Handler {
  const groups = Map.groupBy(definitions, ({ type }) => `${type.group}/${type.version}`)
    .values()
    .map(groupOf)
    .toArray();
  return async ({ path, query, headers }) => {
    // Most clients never ask, so a server does not load it before one does.
    const { documentPath, openApiDocument, openApiHash, openApiIndex } = await import("../../api/openapi.ts");
    if (path === ROOT || path === `${ROOT}/`) return jsonResponse(200, openApiIndex(groups));
    const group = groups.find(({ groupVersion }) => path === `${ROOT}/${documentPath(groupVersion)}`);
    if (group === undefined) throw unknownPathStatus();
    const hash = openApiHash(group.groupVersion, group.resources);
    if (headers["if-none-match"] === `"${hash}"`) return { status: 304, headers: { etag: `"${hash}"` }, body: NOTHING };
    return documentResponse(openApiDocument(group.resources), hash, query.get("hash"));
  };
}

/** Returns what answers `/openapi/v2`. Throws `StatusError` with code `NotAcceptable` for any form but protocol buffers. */
export function createOpenApiV2Handler(definitions: readonly DiscoverableKind[]): Handler {
  return async ({ headers }) => {
    const { OPENAPI_V2_MEDIA_TYPE, openApiV2Document } = await import("./openapi-v2.ts");
    if (!/proto-openapi\.spec\.v2[.@]v1\.0\+protobuf/.test(headers.accept ?? ""))
      throw notAcceptableStatus([OPENAPI_V2_MEDIA_TYPE]);
    return { status: 200, headers: { "content-type": OPENAPI_V2_MEDIA_TYPE }, body: openApiV2Document(definitions) };
  };
}

interface OpenApiGroup {
  readonly groupVersion: Pick<ResourceType, "group" | "version">;
  readonly resources: readonly OpenApiResource[];
}

function groupOf(definitions: readonly DiscoverableKind[]): OpenApiGroup {
  const [first] = definitions;
  if (first === undefined) throw unknownPathStatus();
  return { groupVersion: first.type, resources: definitions.map(resourceOf) };
}

function documentResponse(body: Uint8Array, hash: string, wanted: string | null): ApiResponse {
  const caching = wanted === hash ? { "cache-control": "public, max-age=31536000, immutable" } : {};
  return { status: 200, headers: { "content-type": "application/json", etag: `"${hash}"`, ...caching }, body };
}

function resourceOf({ type, hasStatus, subresources = [], verbs = RESOURCE_VERBS }: DiscoverableKind): OpenApiResource {
  const { group, version, kind } = type;
  const status = { name: "status", kind: { group, version, kind }, verbs: VIEW_VERBS };
  return { type, verbs, subresources: [...subresources, ...(hasStatus === true ? [status] : [])] };
}
