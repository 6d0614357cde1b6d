import { applyDefaults } from "../../api/defaults/apply-defaults.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { invalidStatus } from "../../api/status.ts";
import { validateObjectMetaUpdate } from "../../api/validation/object-meta.ts";
import { validateCreate, validateUpdate } from "../../api/validation/validate.ts";

/** Fills in what an object leaves out. */
export function fillDefaults(type: ResourceType, object: KubernetesObject): void {
  applyDefaults(type.kind, object);
}

/** Throws `StatusError` with code `Invalid` where a new object breaks its kind's rules. */
export function checkNewObject(type: ResourceType, object: KubernetesObject): void {
  const errors = validateCreate(type.kind, object);
  if (errors.length > 0) throw invalidStatus(type, object.metadata?.name ?? "", errors);
}

/** Throws `StatusError` with code `Invalid` where an object breaks its kind's rules, or what changed may not change. */
export function checkChangedObject(type: ResourceType, object: KubernetesObject, old: KubernetesObject): void {
  const errors = validateUpdate(type.kind, object, old);
  if (errors.length > 0) throw invalidStatus(type, object.metadata?.name ?? "", errors);
}

/** Throws `StatusError` with code `Invalid` where metadata changed that may not; enough where only the status is written. */
export function checkChangedMetadata(type: ResourceType, object: KubernetesObject, old: KubernetesObject): void {
  const errors = [...validateObjectMetaUpdate(object.metadata, old.metadata)];
  if (errors.length > 0) throw invalidStatus(type, object.metadata?.name ?? "", errors);
}
