import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { apiVersionOf } from "../../api/resource-types.ts";
import type { ApiContext } from "../api-context.ts";
import type { ServedResource } from "../resources/resource-catalog.ts";
import type { ApiRequest } from "../http/api-request.ts";
import type { ResourceTarget } from "../http/request-target.ts";
import { decodeObject } from "../objects/decode-body.ts";
import type { NamedTarget } from "../resources/resource-definition.ts";

/** A request for objects of a served kind. */
export interface ResourceCall extends ServedResource {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly target: ResourceTarget;
}

/** Decodes an object from the body of a call into the form in which it is stored. Throws `StatusError`. */
export async function decodeCallObject({ request, definition, version }: ResourceCall): Promise<KubernetesObject> {
  const type = version?.type ?? definition.type;
  const object = await decodeObject(request, { apiVersion: apiVersionOf(type), kind: type.kind });
  return version === undefined ? object : version.toStored(object);
}

/** A request for one object. */
export interface ObjectCall extends ResourceCall {
  readonly target: NamedTarget;
}
