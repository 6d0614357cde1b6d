import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { invalid } from "../../api/field-error.ts";
import { conflictStatus, invalidStatus } from "../../api/status.ts";
import { admit, type AdmissionRequest, validateAdmission } from "../admission/admission.ts";
import type { ObjectCall } from "../handlers/resource-call.ts";
import type { Mutation } from "../store/resource-store.ts";
import { isDeletionDue } from "./decide-deletion.ts";
import { keepSystemMetadata, metadataOf } from "./object-metadata.ts";
import { checkChangedMetadata, checkChangedObject, fillDefaults } from "./object-rules.ts";

/**
 * Returns what becomes of a stored object when `object` is to replace it, or the part of it that the call is about. `object`
 * belongs to this call. Throws `StatusError`: `Conflict` for an old resource version, `Invalid`, or what admission says.
 */
export async function changeObject(
  call: ObjectCall,
  object: KubernetesObject,
  old: KubernetesObject,
): Promise<Mutation<KubernetesObject>> {
  const { context, definition, request, target } = call;
  const { type, strategy } = definition;
  checkResourceVersion(call, object, old);
  keepSystemMetadata(type, object, old);
  fillDefaults(type, object);
  const { namespace, name, subresource } = target;
  const admission: AdmissionRequest = {
    operation: "UPDATE",
    type,
    subresource,
    namespace,
    name,
    object,
    old,
    user: request.user,
  };
  await admit(context, admission);
  if (subresource === "status") strategy.prepareForStatusUpdate?.(object, old);
  else strategy.prepareForUpdate?.(object, old);
  if (subresource === undefined) checkChangedObject(type, object, old);
  else checkChangedMetadata(type, object, old);
  await validateAdmission(context, admission);
  // The last finalizer gone, a deleted object ends with the update that took it away.
  return isDeletionDue(definition, object) ? { outcome: "remove", object } : { outcome: "write", object };
}

function checkResourceVersion(
  { definition, target }: ObjectCall,
  object: KubernetesObject,
  old: KubernetesObject,
): void {
  const { type, strategy } = definition;
  const wanted = metadataOf(object).resourceVersion ?? "";
  const current = old.metadata?.resourceVersion ?? "";
  if (wanted === "" || wanted === "0") {
    if (strategy.allowsUnconditionalUpdate === false && target.verb === "update") {
      throw invalidStatus(type, target.name, [
        invalid("metadata.resourceVersion", 0, "must be specified for an update"),
      ]);
    }
    return;
  }
  if (wanted !== current) throw conflictStatus(type, target.name);
}
