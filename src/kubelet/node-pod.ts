import type { Container, Pod, PodSpec } from "../api/core-v1.gen.ts";

/** What names one pod for as long as it lives. */
export interface PodRef {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

/** A pod of this node, its identity known to be complete. */
export interface NodePod extends PodRef {
  readonly object: Pod;
  readonly spec: PodSpec;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Marks a mirror pod: the value is the config hash of the static pod it mirrors. */
export const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";
/** Says where a pod came from: `api` or `file`. */
export const SOURCE_ANNOTATION = "kubernetes.io/config.source";
/** Identifies the content of a static pod. */
export const HASH_ANNOTATION = "kubernetes.io/config.hash";

/** Returns the pod with its identity at hand. Throws `TypeError` where an object is no pod the kubelet could have been given. */
export function nodePodOf(object: Pod): NodePod {
  const { uid, namespace, name, labels, annotations } = object.metadata ?? {};
  if (uid === undefined || namespace === undefined || name === undefined || object.spec === undefined) {
    throw new TypeError("Cannot use the pod: it lacks uid, namespace, name or spec");
  }
  return { uid, namespace, name, object, spec: object.spec, labels: labels ?? {}, annotations: annotations ?? {} };
}

/** Returns `NAME_NAMESPACE(UID)`: how messages name a pod. */
export function formatPod(pod: PodRef): string {
  return `${pod.name}_${pod.namespace}(${pod.uid})`;
}

/** Whether the pod comes from a file of this node and not from the API. */
export function isStaticPod(pod: NodePod): boolean {
  return pod.annotations[SOURCE_ANNOTATION] === "file";
}

/** Whether the object only shows a static pod in the API. */
export function isMirrorPod(object: Pod): boolean {
  return object.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** A container of a pod and which of the pod's lists it is in. */
export interface PodContainer {
  readonly kind: "init" | "regular";
  readonly spec: Container;
}

/** Returns the pod's containers in the order they start. */
export function containersOf(pod: Pick<NodePod, "spec">): readonly PodContainer[] {
  const init = (pod.spec.initContainers ?? []).map((spec) => ({ kind: "init" as const, spec }));
  return [...init, ...pod.spec.containers.map((spec) => ({ kind: "regular" as const, spec }))];
}

/** Whether a container is an init container that keeps running beside the regular ones. */
export function isSidecar(container: PodContainer): boolean {
  return container.kind === "init" && container.spec.restartPolicy === "Always";
}

/** Returns the restart policy that holds for a container. */
export function restartPolicyOf(pod: Pick<NodePod, "spec">, container: PodContainer): RestartPolicy {
  if (isSidecar(container)) return "Always";
  const policy = container.spec.restartPolicy ?? pod.spec.restartPolicy ?? "Always";
  // An init container that is done stays done, whatever the pod's policy.
  if (container.kind === "init" && policy === "Always") return "OnFailure";
  return policy === "Never" || policy === "OnFailure" ? policy : "Always";
}

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** Returns the field path of a container in its pod, as events carry it. */
export function fieldPathOf(container: PodContainer): string {
  return `spec.${container.kind === "init" ? "initContainers" : "containers"}{${container.spec.name}}`;
}
