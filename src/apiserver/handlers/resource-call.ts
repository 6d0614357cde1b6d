import type { ApiContext } from "../api-context.ts";
import type { ServedResource } from "../resources/resource-catalog.ts";
import type { ApiRequest } from "../http/api-request.ts";
import type { ResourceTarget } from "../http/request-target.ts";
import type { NamedTarget } from "../resources/resource-definition.ts";

/** A request for objects of a served kind. */
export interface ResourceCall extends ServedResource {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly target: ResourceTarget;
}

/** A request for one object. */
export interface ObjectCall extends ResourceCall {
  readonly target: NamedTarget;
}
