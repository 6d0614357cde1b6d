import type { PodStatus } from "../../api/core-v1.gen.ts";
import { readySandboxOf } from "../pod-runtime.ts";
import { qosClassOf } from "../../api/qos-class.ts";
import { containersOf } from "../node-pod.ts";
import { type ContainerStatusInput, containerStatusOf } from "./container-status.ts";
import { podConditionsOf } from "./pod-conditions.ts";
import { isTerminalPhase, podPhaseOf, type PodPhase } from "./pod-phase.ts";
import { timestampOf } from "./timestamp.ts";

export interface PodStatusInput extends Omit<ContainerStatusInput, "previous"> {
  readonly hostIps: readonly string[];
  /** The status the API has, or that was last sent there. */
  readonly last: PodStatus;
  /** When this kubelet, or the one before, first saw the pod (ms since the epoch). */
  readonly startedAt: number;
  readonly now: number;
  /**
   * Whether the pod may be found to have ended. Not while a pass is under way: a container that is down only to be started anew would
   * make it look so, and an end is for good.
   */
  readonly mayEnd: boolean;
  /** An end that comes from outside the containers, as when the pod ran past its deadline. */
  readonly verdict?: { readonly reason: string; readonly message: string } | undefined;
}

/** Returns a pod's status as the API shows it. Pure: equal inputs give an equal status. */
export function podStatusOf(input: PodStatusInput): PodStatus {
  const { pod, last, runtime, hostIps, verdict } = input;
  const known = [...(last.initContainerStatuses ?? []), ...(last.containerStatuses ?? [])];
  const statusInput = { ...input, previous: new Map(known.map((status) => [status.name, status])) };
  const statuses = containersOf(pod).map((container) => ({
    container,
    status: containerStatusOf(container, statusInput),
  }));
  const init = statuses.flatMap(({ container, status }) => (container.kind === "init" ? [status] : []));
  const regular = statuses.flatMap(({ container, status }) => (container.kind === "regular" ? [status] : []));
  const phase = finalPhase(input, podPhaseOf(pod.spec, { init, regular, isEnding: input.isEnding }));
  const podIps = podIpsOf(input);
  const generation = pod.object.metadata?.generation;
  return {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    phase,
    conditions: podConditionsOf({
      spec: pod.spec,
      phase,
      init,
      regular,
      generation,
      hasSandbox: readySandboxOf(runtime) !== undefined,
      previous: last.conditions ?? [],
      now: timestampOf(input.now),
    }),
    ...(verdict === undefined ? { reason: last.reason, message: last.message } : verdict),
    hostIP: hostIps[0],
    hostIPs: hostIps.map((ip) => ({ ip })),
    ...(podIps.length === 0 ? {} : { podIP: podIps[0], podIPs: podIps.map((ip) => ({ ip })) }),
    startTime: last.startTime ?? timestampOf(input.startedAt),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: regular,
    qosClass: last.qosClass ?? qosClassOf(pod.spec),
  };
}

/** A phase that ended stays. */
function finalPhase({ last, verdict, mayEnd }: PodStatusInput, phase: PodPhase): PodPhase {
  if (last.phase === "Succeeded" || last.phase === "Failed") return last.phase;
  if (!mayEnd && isTerminalPhase(phase)) return last.phase === "Pending" ? "Pending" : "Running";
  return verdict === undefined ? phase : "Failed";
}

function podIpsOf({ pod, runtime, hostIps, last }: PodStatusInput): readonly string[] {
  if (pod.spec.hostNetwork === true) return runtime.sandboxes.length === 0 ? [] : hostIps;
  const network = readySandboxOf(runtime)?.network;
  if (network !== undefined && network.ip !== "") return [network.ip, ...network.additionalIps];
  // Kept after the sandbox has ended, so that what the pod was can still be told from its logs.
  return (last.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
}
