import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { alreadyExistsStatus, StatusError } from "../../api/status.ts";
import { admit, type AdmissionRequest, validateAdmission } from "../admission/admission.ts";
import type { ApiResponse } from "../http/api-response.ts";
import { fillNewMetadata, matchNamespace, metadataOf } from "../objects/object-metadata.ts";
import { checkNewObject, fillDefaults } from "../objects/object-rules.ts";
import { isDryRun } from "../objects/request-options.ts";
import { renderObject } from "../render/render-object.ts";
import { StoredObject } from "../store/stored-object.ts";
import { decodeCallObject, type ResourceCall } from "./resource-call.ts";

/** Stores a new object. A made-up name that is taken is made up again. */
export async function handleCreate(call: ResourceCall): Promise<ApiResponse> {
  const { definition, request, target } = call;
  const { type } = definition;
  const object = await decodeCallObject(call);
  matchNamespace(type, object, target);
  const dryRun = isDryRun(request.query.getAll("dryRun"), "CreateOptions");
  const isNameGiven = (metadataOf(object).name ?? "") !== "";
  for (let attempt = 1; ; attempt++) {
    try {
      const stored = await createObject(call, isNameGiven ? object : structuredClone(object), dryRun);
      return renderObject(call, stored, 201);
    } catch (error) {
      const isTaken = error instanceof StatusError && error.reason === "AlreadyExists";
      if (isNameGiven || !isTaken || attempt >= MAX_NAMES) throw error;
    }
  }
}

const MAX_NAMES = 8;

/** Stores a decoded object after defaulting, admission and validation. */
export async function createObject(
  call: ResourceCall,
  object: KubernetesObject,
  dryRun: boolean,
): Promise<StoredObject> {
  const { context, definition, store, target, request } = call;
  const { type, strategy } = definition;
  fillNewMetadata(object);
  fillDefaults(type, object);
  const { name = "", namespace } = metadataOf(object);
  const admission: AdmissionRequest = {
    operation: "CREATE",
    type,
    namespace: target.namespace,
    name,
    object,
    user: request.user,
  };
  await admit(context, admission);
  strategy.prepareForCreate?.(object);
  checkNewObject(type, object);
  await validateAdmission(context, admission);
  request.warnings.push(...(strategy.warnings?.(object) ?? []));
  if (!dryRun) return await store.create({ namespace, name }, object);
  const key = store.prefixOf(namespace) + name;
  if (store.cache.get(key) !== undefined) throw alreadyExistsStatus(type, name);
  return new StoredObject(key, 0, object);
}
