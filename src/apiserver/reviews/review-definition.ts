import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { apiVersionOf, type ResourceType } from "../../api/resource-types.ts";
import { methodNotAllowedStatus, unknownPathStatus } from "../../api/status.ts";
import type { Authorizer } from "../authorization/authorize.ts";
import type { ApiRequest } from "../http/api-request.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import type { ResourceTarget, Verb } from "../http/request-target.ts";
import { decodeObject } from "../objects/decode-body.ts";
import { matchNamespace } from "../objects/object-metadata.ts";

/** A kind whose objects are questions: creating one answers it, and nothing is stored. */
export interface ReviewDefinition<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly verbs: readonly Verb[];
  /** Returns the review with its answer. Throws `StatusError` with code `Invalid` for a question that cannot be answered. */
  answer(review: T, asked: ReviewCall): Promise<T>;
}

/** Who asks, and who decides. */
export interface ReviewCall {
  readonly request: ApiRequest;
  readonly authorizers: readonly Authorizer[];
}

/** A kind of review has this verb alone. */
export const REVIEW_VERBS: readonly Verb[] = ["create"];

/** Answers a request for a review. Throws `StatusError`. */
export async function handleReview(
  definition: ReviewDefinition,
  target: ResourceTarget,
  call: ReviewCall,
): Promise<ApiResponse> {
  const { type } = definition;
  if (target.name !== undefined || type.namespaced !== (target.namespace !== undefined)) throw unknownPathStatus();
  if (target.verb !== "create") throw methodNotAllowedStatus(type, target.verb);
  const review = await decodeObject(call.request, { apiVersion: apiVersionOf(type), kind: type.kind });
  matchNamespace(type, review, target);
  return jsonResponse(201, await definition.answer(review, call));
}
