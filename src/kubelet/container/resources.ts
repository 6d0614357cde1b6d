import type { Container } from "../../api/core-v1.gen.ts";
import { quantityMilliValue, quantityValue } from "../../api/quantity.ts";
import type { LinuxContainerResources } from "../../cri/runtime-service.ts";
import type { NodePod } from "../node-pod.ts";
import { qosClassOf } from "../../api/qos-class.ts";

/** Returns the cgroup values of one container, computed as the kubelet computes them. */
export function containerResources(
  pod: NodePod,
  container: Container,
  node: { readonly memoryBytes: number },
): LinuxContainerResources {
  const memory = limitOf(container, "memory");
  return {
    ...cpuResources(cpuRequestMilli(container), limitMilliOf(container)),
    ...(memory === undefined ? {} : { memoryLimitInBytes: memory }),
    oomScoreAdj: oomScoreAdj(pod, container, node.memoryBytes),
  };
}

/**
 * Returns the cgroup values of a whole pod. A resource is limited only where every container has a limit. Init containers run before
 * the others, so the larger of the two needs counts; sidecars run beside both.
 */
export function podResources(pod: NodePod): LinuxContainerResources {
  const { containers, initContainers = [] } = pod.spec;
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always");
  const setups = initContainers.filter(({ restartPolicy }) => restartPolicy !== "Always");
  const total = (need: (container: Container) => number) =>
    sum(sidecars, need) + Math.max(sum(containers, need), ...setups.map(need));
  const everyLimit = (find: (container: Container) => number | undefined) =>
    [...containers, ...initContainers].every((container) => find(container) !== undefined)
      ? total((container) => find(container) ?? 0)
      : undefined;
  const memory = everyLimit((container) => limitOf(container, "memory"));
  return {
    ...cpuResources(total(cpuRequestMilli), everyLimit(limitMilliOf)),
    ...(memory === undefined ? {} : { memoryLimitInBytes: memory }),
  };
}

const CPU_PERIOD_US = 100_000;
const MIN_QUOTA_US = 1000;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;

function cpuResources(requestMilli: number, limitMilli: number | undefined): LinuxContainerResources {
  const cpuShares = Math.min(MAX_SHARES, Math.max(MIN_SHARES, Math.floor((requestMilli * 1024) / 1000)));
  if (limitMilli === undefined) return { cpuShares };
  const cpuQuota = Math.max(MIN_QUOTA_US, Math.floor((limitMilli * CPU_PERIOD_US) / 1000));
  return { cpuShares, cpuPeriod: CPU_PERIOD_US, cpuQuota };
}

/** Critical pods die last, then guaranteed ones; best-effort ones first; between them the larger share of memory dies later. */
function oomScoreAdj(pod: NodePod, container: Container, nodeMemoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= SYSTEM_CRITICAL_PRIORITY) return GUARANTEED_OOM_SCORE;
  const qos = qosClassOf(pod.spec);
  if (qos === "Guaranteed") return GUARANTEED_OOM_SCORE;
  if (qos === "BestEffort") return 1000;
  const request = container.resources?.requests?.["memory"];
  const requested = request === undefined ? 0 : quantityValue(request);
  const score = 1000 - Math.floor((1000 * requested) / nodeMemoryBytes);
  return Math.min(999, Math.max(1000 + GUARANTEED_OOM_SCORE, score));
}

const GUARANTEED_OOM_SCORE = -997;
const SYSTEM_CRITICAL_PRIORITY = 2_000_000_000;

function cpuRequestMilli({ resources }: Container): number {
  const request = resources?.requests?.["cpu"] ?? resources?.limits?.["cpu"];
  return request === undefined ? 0 : quantityMilliValue(request);
}

function limitMilliOf({ resources }: Container): number | undefined {
  const limit = resources?.limits?.["cpu"];
  const milli = limit === undefined ? 0 : quantityMilliValue(limit);
  return milli === 0 ? undefined : milli;
}

function limitOf({ resources }: Container, name: string): number | undefined {
  const limit = resources?.limits?.[name];
  const value = limit === undefined ? 0 : quantityValue(limit);
  return value === 0 ? undefined : value;
}

function sum(containers: readonly Container[], need: (container: Container) => number): number {
  return containers.reduce((total, container) => total + need(container), 0);
}
