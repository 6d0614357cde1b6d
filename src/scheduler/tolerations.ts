import type { Node, Pod, Taint, Toleration } from "../api/core-v1.gen.ts";

/**
 * Returns a node's taints, with those that its state means before a controller has written them: a node that is not ready, or
 * cordoned, is so at once.
 */
export function effectiveTaints(node: Node): readonly Taint[] {
  const taints = node.spec?.taints ?? [];
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready")?.status;
  const implied = [
    ...(ready === "True" ? [] : [ready === "Unknown" ? UNREACHABLE : NOT_READY]),
    ...(node.spec?.unschedulable === true ? [UNSCHEDULABLE] : []),
  ];
  const missing = implied.filter(
    (one) => !taints.some((taint) => taint.key === one.key && taint.effect === one.effect),
  );
  return [...taints, ...missing];
}

/** Whether a pod may be put where there is such a taint. */
export function tolerates(pod: Pod, taint: Taint): boolean {
  return (pod.spec?.tolerations ?? []).some((toleration) => matches(toleration, taint));
}

const NOT_READY: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" };
const UNREACHABLE: Taint = { key: "node.kubernetes.io/unreachable", effect: "NoSchedule" };
const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

function matches(toleration: Toleration, taint: Taint): boolean {
  const { effect = "", key = "", operator = "", value = "" } = toleration;
  if (effect !== "" && effect !== taint.effect) return false;
  if (key !== "" && key !== taint.key) return false;
  if (operator === "Exists") return true;
  // Without a key only `Exists` is meaningful; it matches all keys.
  return (operator === "" || operator === "Equal") && key !== "" && value === (taint.value ?? "");
}
