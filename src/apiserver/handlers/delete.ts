import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { StatusError } from "../../api/status.ts";
import { validateAdmission } from "../admission/admission.ts";
import { type ApiResponse, jsonResponse } from "../http/api-response.ts";
import { decideDeletion, isDeletionDue } from "../objects/decide-deletion.ts";
import { type DeletionWish, readDeletionWish } from "../objects/delete-options.ts";
import { renderObject } from "../render/render-object.ts";
import type { Mutated, Mutation } from "../store/resource-store.ts";
import { mutateObject } from "./mutate-object.ts";
import type { ObjectCall } from "./resource-call.ts";

/** Deletes an object, or begins to where it ends gracefully or has finalizers. */
export async function handleDelete(call: ObjectCall): Promise<ApiResponse> {
  const wish = await readDeletionWish(call.request);
  const { stored, isGone } = await deleteObject(call, wish);
  if (!isGone || call.definition.strategy.returnsDeletedObject === true) return renderObject(call, stored, 200);
  return jsonResponse(200, deletedStatus(call.definition.type, stored.object));
}

/** Deletes the object of a call as wished. */
export async function deleteObject(call: ObjectCall, wish: DeletionWish): Promise<Mutated> {
  const { context, definition, request, target } = call;
  const { namespace, name } = target;
  const decide = async (old: KubernetesObject) => {
    const admission = { operation: "DELETE", type: definition.type, namespace, name, old, user: request.user } as const;
    await validateAdmission(context, admission);
    return decideDeletion(definition, old, wish);
  };
  const marked = await mutateObject(call, decide, wish.dryRun);
  if (marked.isGone || wish.dryRun || !isDeletionDue(definition, marked.stored.object)) return marked;
  return await endDeletion(call, marked);
}

// Somebody else may have ended it in between, which is all the same.
async function endDeletion(call: ObjectCall, marked: Mutated): Promise<Mutated> {
  const { uid } = marked.stored.object.metadata ?? {};
  const decide = (old: KubernetesObject): Promise<Mutation<KubernetesObject>> => {
    const isSame = old.metadata?.uid === uid && isDeletionDue(call.definition, old);
    return Promise.resolve({ outcome: isSame ? "remove" : "keep" });
  };
  try {
    return await mutateObject(call, decide, false);
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
    return { ...marked, isGone: true };
  }
}

function deletedStatus(type: ResourceType, object: KubernetesObject): Status {
  const { name, uid } = object.metadata ?? {};
  const group = type.group === "" ? {} : { group: type.group };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name, ...group, kind: type.plural, uid },
  };
}
