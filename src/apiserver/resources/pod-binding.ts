import type { Binding, Pod, PodCondition } from "../../api/core-v1.gen.ts";
import type { Status } from "../../api/meta-v1.gen.ts";
import { required } from "../../api/field-error.ts";
import { PODS } from "../../api/resource-types.ts";
import { badRequestStatus, conflictStatus, invalidStatus } from "../../api/status.ts";
import { jsonResponse } from "../http/api-response.ts";
import { decodeObject } from "../objects/decode-body.ts";
import { matchName, matchNamespace, timestamp } from "../objects/object-metadata.ts";
import { isDryRun } from "../objects/request-options.ts";
import type { SubresourceCall, SubresourceDefinition } from "./resource-definition.ts";

/** `pods/binding`: puts a pod on a node, once. */
export const podBinding: SubresourceDefinition = {
  name: "binding",
  kind: { group: "", version: "v1", kind: "Binding" },
  verbs: ["create"],
  handle: bindPod,
};

async function bindPod({ context, request, target }: SubresourceCall) {
  const binding = await decodeObject<Binding>(request, { apiVersion: "v1", kind: "Binding" });
  matchName(binding, target.name);
  matchNamespace(PODS, binding, target);
  const nodeName = binding.target?.name ?? "";
  if (nodeName === "") {
    throw invalidStatus({ group: "", kind: "Binding" }, target.name, [required("target.name")]);
  }
  const kind = binding.target?.kind ?? "";
  if (kind !== "" && kind !== "Node") throw badRequestStatus(`a pod cannot be bound to a ${kind}`);
  const pods = context.stores.of(PODS);
  if (isDryRun(request.query.getAll("dryRun"), "CreateOptions")) boundPod((await pods.get(target)).object, binding);
  else {
    await pods.mutate(target, ({ object }) => Promise.resolve({ outcome: "write", object: boundPod(object, binding) }));
  }
  const status: Status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
  return jsonResponse(201, status);
}

function boundPod(old: Pod, { metadata, target }: Binding): Pod {
  const name = old.metadata?.name ?? "";
  const conflict = (reason: string) => conflictStatus({ group: "", plural: "pods/binding" }, name, reason);
  if (metadata?.uid !== undefined && metadata.uid !== old.metadata?.uid) {
    throw conflict(
      `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata?.uid}`,
    );
  }
  if (old.metadata?.deletionTimestamp !== undefined)
    throw conflict(`pod ${name} is being deleted, cannot be assigned to a host`);
  const nodeName = old.spec?.nodeName ?? "";
  if (nodeName !== "") throw conflict(`pod ${name} is already assigned to node ${JSON.stringify(nodeName)}`);
  if ((old.spec?.schedulingGates ?? []).length > 0) throw conflict(`pod ${name} has non-empty .spec.schedulingGates`);
  const pod = structuredClone(old);
  if (pod.spec === undefined) throw conflict(`pod ${name} has no spec`);
  pod.spec.nodeName = target.name;
  pod.metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...metadata?.annotations } };
  if (Object.keys(pod.metadata.annotations ?? {}).length === 0) delete pod.metadata.annotations;
  pod.status = { ...pod.status, conditions: scheduledConditions(pod.status?.conditions ?? []) };
  return pod;
}

function scheduledConditions(conditions: readonly PodCondition[]): PodCondition[] {
  const scheduled: PodCondition = { type: "PodScheduled", status: "True", lastTransitionTime: timestamp() };
  return [...conditions.filter(({ type }) => type !== "PodScheduled"), scheduled];
}
