import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { StatusError } from "../../api/status.ts";
import type { ApiResponse } from "../http/api-response.ts";
import { changeObject } from "../objects/change-object.ts";
import { matchName, matchNamespace, metadataOf } from "../objects/object-metadata.ts";
import { isDryRun } from "../objects/request-options.ts";
import { renderObject } from "../render/render-object.ts";
import { createObject } from "./create.ts";
import { mutateObject } from "./mutate-object.ts";
import { decodeCallObject, type ObjectCall } from "./resource-call.ts";

/** Replaces an object, or its status. */
export async function handleUpdate(call: ObjectCall): Promise<ApiResponse> {
  const { definition, request, target } = call;
  const { type, strategy } = definition;
  const object = await decodeCallObject(call);
  matchName(object, target.name);
  matchNamespace(type, object, target);
  const dryRun = isDryRun(request.query.getAll("dryRun"), "UpdateOptions");
  try {
    const decide = async (old: KubernetesObject) => await changeObject(call, structuredClone(object), old);
    return renderObject(call, (await mutateObject(call, decide, dryRun)).stored, 200);
  } catch (error) {
    const isMissing = error instanceof StatusError && error.reason === "NotFound";
    const mayCreate = strategy.allowsCreateOnUpdate === true && target.subresource === undefined;
    if (!isMissing || !mayCreate || (metadataOf(object).resourceVersion ?? "") !== "") throw error;
    return renderObject(call, await createObject(call, object, dryRun), 201);
  }
}
