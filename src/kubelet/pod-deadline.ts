import type { PodStatus } from "../api/core-v1.gen.ts";
import type { NodePod } from "./node-pod.ts";

/** Returns when a pod has run for as long as it may (ms since the epoch), or undefined where it may run for ever. */
export function deadlineOf({ spec }: NodePod, { startTime }: PodStatus): number | undefined {
  const { activeDeadlineSeconds } = spec;
  if (activeDeadlineSeconds === undefined || startTime === undefined) return undefined;
  return Date.parse(startTime) + activeDeadlineSeconds * 1000;
}
