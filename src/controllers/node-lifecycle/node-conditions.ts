import type { Node, NodeCondition } from "../../api/core-v1.gen.ts";

/** The reason of a condition that nobody has ever reported. */
export const NEVER_UPDATED = "NodeStatusNeverUpdated";

/** Returns a node's condition `Ready`. */
export function readyCondition(node: Node): NodeCondition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === "Ready");
}

/** Returns the conditions to be changed of a node that has fallen silent; none where all is said already. */
export function unknownConditions(node: Node, now: string): readonly NodeCondition[] {
  return REPORTED.flatMap((type) => {
    const present = node.status?.conditions?.find((condition) => condition.type === type);
    if (present?.status === "Unknown") return [];
    return [present === undefined ? neverUpdated(node, type, now) : stopped(present, now)];
  });
}

/** What a kubelet reports of its node. */
const REPORTED = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

function stopped(condition: NodeCondition, now: string): NodeCondition {
  const message = "Kubelet stopped posting node status.";
  return { ...condition, status: "Unknown", reason: "NodeStatusUnknown", message, lastTransitionTime: now };
}

function neverUpdated(node: Node, type: string, now: string): NodeCondition {
  return {
    type,
    status: "Unknown",
    reason: NEVER_UPDATED,
    message: "Kubelet never posted node status.",
    lastHeartbeatTime: node.metadata?.creationTimestamp,
    lastTransitionTime: now,
  };
}
