import { unknownPathStatus } from "../../api/status.ts";
import type { ApiRequest, Handler } from "../http/api-request.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import type { DiscoverableKind } from "../resources/resource-definition.ts";
import {
  aggregatedDiscovery,
  CORE_GROUP,
  coreVersions,
  groupDocument,
  groupList,
  groupsOf,
  resourceList,
} from "./discovery-documents.ts";

/** Returns what answers below `/api` and `/apis`, aggregated where the client asks for it. */
export function createDiscoveryHandler(definitions: readonly DiscoverableKind[]): Handler {
  return (request) => Promise.resolve(answer(definitions, request));
}

function answer(definitions: readonly DiscoverableKind[], request: ApiRequest): ApiResponse {
  const [root, ...rest] = request.path.split("/").filter((segment) => segment !== "");
  const isCore = root === "api";
  if (rest.length === 0) {
    const version = aggregatedVersion(request.headers.accept ?? "");
    if (version !== undefined) return aggregated(definitions, isCore, version);
    const serverAddress = String(request.headers[":authority"] ?? request.headers.host ?? "");
    return jsonResponse(200, isCore ? coreVersions(definitions, serverAddress) : groupList(definitions));
  }
  const [group = "", version] = isCore ? [CORE_GROUP, ...rest] : rest;
  const isKnown = definitions.some(({ type }) => type.group === group && (version ?? type.version) === type.version);
  if (!isKnown || rest.length > (isCore ? 1 : 2)) throw unknownPathStatus();
  return jsonResponse(
    200,
    version === undefined ? groupDocument(definitions, group) : resourceList(definitions, group, version),
  );
}

function aggregated(definitions: readonly DiscoverableKind[], isCore: boolean, version: string): ApiResponse {
  const groups = isCore ? [CORE_GROUP] : groupsOf(definitions).filter((group) => group !== CORE_GROUP);
  // A client takes the answer for aggregated only where its type says so.
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return jsonResponse(200, aggregatedDiscovery(definitions, groups, version), contentType);
}

/** Returns the version of aggregated discovery that is the first choice in `Accept`; undefined where it is none. */
function aggregatedVersion(accept: string): string | undefined {
  for (const range of accept.split(",")) {
    const [mediaType, ...parameters] = range.split(";").map((part) => part.trim());
    if (mediaType !== "application/json") continue;
    if (!parameters.includes("as=APIGroupDiscoveryList")) return undefined;
    const version = ["v2", "v2beta1"].find((candidate) => parameters.includes(`v=${candidate}`));
    if (parameters.includes("g=apidiscovery.k8s.io") && version !== undefined) return version;
  }
  return undefined;
}
