import { methodNotAllowedStatus, unknownPathStatus } from "../../api/status.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import type { ApiContext } from "../api-context.ts";
import type { Authorizer } from "../authorization/authorize.ts";
import type { ApiResponse } from "../http/api-response.ts";
import type { ApiRequest } from "../http/api-request.ts";
import type { ResourceTarget, Verb } from "../http/request-target.ts";
import type { ResourceCatalog } from "../resources/resource-catalog.ts";
import type { NamedTarget } from "../resources/resource-definition.ts";
import { handleReview, type ReviewDefinition } from "../reviews/review-definition.ts";
import { handleCreate } from "./create.ts";
import { handleDelete } from "./delete.ts";
import { handleDeleteCollection } from "./delete-collection.ts";
import { handleGet } from "./get.ts";
import { handleList } from "./list.ts";
import { handlePatch } from "./patch.ts";
import type { ObjectCall, ResourceCall } from "./resource-call.ts";
import { handleUpdate } from "./update.ts";
import { handleWatch } from "./watch.ts";

/** What answers requests for resources is made of. */
export interface ResourceHandlerOptions {
  readonly catalog: ResourceCatalog;
  readonly context: ApiContext;
  readonly reviews: readonly ReviewDefinition[];
  readonly authorizers: readonly Authorizer[];
}

/** Returns what answers every request for a resource. Throws `StatusError` for what is not served. */
export function createResourceHandler({ catalog, context, reviews, authorizers }: ResourceHandlerOptions) {
  return async (request: ApiRequest, target: ResourceTarget): Promise<ApiResponse> => {
    const review = reviews.find(({ type }) => isOfType(type, target));
    if (review !== undefined) return await handleReview(review, target, { request, authorizers });
    const served = catalog.find(target.group, target.version, target.resource);
    const call: ResourceCall = { ...served, context, request, target };
    const { namespaced } = served.definition.type;
    if (!namespaced && target.namespace !== undefined) throw unknownPathStatus();
    if (!hasName(target)) return await handleCollection(call, target.verb);
    if (namespaced && target.namespace === undefined) throw unknownPathStatus();
    return await handleObject({ ...call, target });
  };
}

function isOfType({ group, version, plural }: ResourceType, target: ResourceTarget): boolean {
  return group === target.group && version === target.version && plural === target.resource;
}

async function handleCollection(call: ResourceCall, verb: Verb): Promise<ApiResponse> {
  switch (verb) {
    case "list":
      return await handleList(call);
    case "watch":
      return await handleWatch(call);
    case "create":
      return await handleCreate(call);
    case "deletecollection":
      return await handleDeleteCollection(call);
    default:
      throw methodNotAllowedStatus(call.definition.type, verb);
  }
}

async function handleObject(call: ObjectCall): Promise<ApiResponse> {
  const { definition, target } = call;
  const { subresource, verb } = target;
  const isView = subresource === undefined || (subresource === "status" && definition.hasStatus === true);
  if (!isView) return await handleSubresource(call, subresource);
  switch (verb) {
    case "get":
      return await handleGet(call);
    case "update":
      return await handleUpdate(call);
    case "patch":
      return await handlePatch(call);
    case "delete":
      if (subresource === undefined) return await handleDelete(call);
      throw methodNotAllowedStatus(definition.type, verb);
    default:
      throw methodNotAllowedStatus(definition.type, verb);
  }
}

async function handleSubresource(
  { context, definition, request, target }: ObjectCall,
  name: string,
): Promise<ApiResponse> {
  const subresource = definition.subresources?.find((candidate) => candidate.name === name);
  if (subresource === undefined) throw unknownPathStatus();
  if (!subresource.verbs.includes(target.verb)) throw methodNotAllowedStatus(definition.type, target.verb);
  return await subresource.handle({ context, request, target });
}

function hasName(target: ResourceTarget): target is NamedTarget {
  return target.name !== undefined;
}
