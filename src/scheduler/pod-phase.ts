import type { Pod } from "../api/core-v1.gen.ts";

/** Whether a pod waits for this scheduler to give it a node. */
export function isPending(pod: Pod): boolean {
  const { spec } = pod;
  const isOurs = (spec?.schedulerName ?? "default-scheduler") === "default-scheduler";
  const isHeldBack = (spec?.schedulingGates ?? []).length > 0;
  return isOurs && !isHeldBack && (spec?.nodeName ?? "") === "" && pod.metadata?.deletionTimestamp === undefined;
}

/** Whether a pod takes no room on a node: it has ended, or never got one. */
export function isFinished(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === "Succeeded" || phase === "Failed" || (pod.spec?.nodeName ?? "") === "";
}
