import type { Container, ObjectFieldSelector, ResourceFieldSelector } from "../../api/core-v1.gen.ts";
import { quantityMilliValue, quantityValue } from "../../api/quantity.ts";
import type { NodePod } from "../node-pod.ts";

/** What the kubelet knows of a pod beside its object. */
export interface PodSurroundings {
  readonly hostIps: readonly string[];
  /** Empty until the sandbox has its network. */
  readonly podIps: readonly string[];
  /** The node's allocatable resources: what an unset limit stands for. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Returns the value of a pod field. Throws `RangeError` for a path that is no field of the downward API. */
export function podFieldValue({ fieldPath }: ObjectFieldSelector, pod: NodePod, around: PodSurroundings): string {
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const values = subscript[1] === "labels" ? pod.labels : pod.annotations;
    return values[subscript[2] ?? ""] ?? "";
  }
  const field = FIELDS[fieldPath];
  if (field === undefined) throw new RangeError(`unsupported fieldPath: ${fieldPath}`);
  return field(pod, around);
}

const FIELDS: Readonly<Record<string, (pod: NodePod, around: PodSurroundings) => string>> = {
  "metadata.name": (pod) => pod.name,
  "metadata.namespace": (pod) => pod.namespace,
  "metadata.uid": (pod) => pod.uid,
  "metadata.labels": (pod) => formatMap(pod.labels),
  "metadata.annotations": (pod) => formatMap(pod.annotations),
  "spec.nodeName": (pod) => pod.spec.nodeName ?? "",
  "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "",
  "status.hostIP": (_, { hostIps }) => hostIps[0] ?? "",
  "status.hostIPs": (_, { hostIps }) => hostIps.join(","),
  "status.podIP": (_, { podIps }) => podIps[0] ?? "",
  "status.podIPs": (_, { podIps }) => podIps.join(","),
};

/**
 * Returns a container's request or limit in units of the divisor, rounded up. An unset limit of CPU or memory stands for what the node
 * can give. Throws `RangeError` for a resource that the downward API does not know.
 */
export function resourceFieldValue(
  { resource, divisor }: ResourceFieldSelector,
  { resources }: Pick<Container, "resources">,
  allocatable: Readonly<Record<string, string>>,
): string {
  const match = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-[\w.]+)$/.exec(resource);
  if (match === null) throw new RangeError(`unsupported container resource: ${resource}`);
  const [, list = "", name = ""] = match;
  const limit = resources?.limits?.[name] ?? allocatable[name] ?? "0";
  const quantity = list === "limits" ? limit : (resources?.requests?.[name] ?? resources?.limits?.[name] ?? "0");
  return String(divide(name, quantity, divisor));
}

function divide(name: string, quantity: string, divisor: string | undefined): number {
  const unit = divisor === undefined || divisor === "0" || divisor === "" ? "1" : divisor;
  if (name === "cpu") return Math.ceil(quantityMilliValue(quantity) / quantityMilliValue(unit));
  return Math.ceil(quantityValue(quantity) / quantityValue(unit));
}

/** One `key="value"` a line, sorted, as downward API files have labels and annotations. */
function formatMap(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return lines.toSorted().join("\n");
}
