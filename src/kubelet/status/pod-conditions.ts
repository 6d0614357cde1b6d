import type { ContainerStatus, PodCondition, PodSpec } from "../../api/core-v1.gen.ts";
import type { ContainerStatuses, PodPhase } from "./pod-phase.ts";

export interface ConditionsInput extends ContainerStatuses {
  readonly spec: PodSpec;
  readonly phase: PodPhase;
  /** Whether the pod has a sandbox with its network up. */
  readonly hasSandbox: boolean;
  /** Conditions the API last had; those of other writers are kept. */
  readonly previous: readonly PodCondition[];
  readonly now: string;
  readonly generation: number | undefined;
}

/** Returns a pod's conditions; a transition time changes only with the status of its condition. */
export function podConditionsOf(input: ConditionsInput): PodCondition[] {
  const own = [sandboxCondition(input), initialized(input), ready(input), containersReady(input), scheduled(input)];
  const withTimes = own.map((condition) => withTransition(condition, input));
  const foreign = input.previous.filter(({ type }) => !own.some((condition) => condition.type === type));
  return [...withTimes, ...foreign];
}

type Finding = Pick<PodCondition, "type" | "status" | "reason" | "message">;

function sandboxCondition({ hasSandbox }: ConditionsInput): Finding {
  return { type: "PodReadyToStartContainers", status: hasSandbox ? "True" : "False" };
}

function initialized({ spec, init, phase }: ConditionsInput): Finding {
  if (phase === "Succeeded") return { type: "Initialized", status: "True", reason: "PodCompleted" };
  const isSidecar = (name: string) =>
    (spec.initContainers ?? []).some((container) => container.name === name && container.restartPolicy === "Always");
  const incomplete = init.filter((status) => (isSidecar(status.name) ? status.started !== true : !status.ready));
  if (incomplete.length === 0) return { type: "Initialized", status: "True" };
  const message = `containers with incomplete status: ${formatNames(incomplete)}`;
  return { type: "Initialized", status: "False", reason: "ContainersNotInitialized", message };
}

function containersReady(input: ConditionsInput): Finding {
  return { ...readiness(input), type: "ContainersReady" };
}

function ready(input: ConditionsInput): Finding {
  const containers = readiness(input);
  const gates = (input.spec.readinessGates ?? []).map(({ conditionType }) => conditionType);
  const closed = gates.flatMap((type) => describeGate(type, input.previous) ?? []);
  if (containers.status !== "True" || closed.length === 0) return { ...containers, type: "Ready" };
  return { type: "Ready", status: "False", reason: "ReadinessGatesNotReady", message: closed.join(", ") };
}

function readiness({ spec, init, regular, phase }: ConditionsInput): Omit<Finding, "type"> {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const sidecars = init.filter(({ name }) =>
    (spec.initContainers ?? []).some((container) => container.name === name && container.restartPolicy === "Always"),
  );
  const unready = [...sidecars, ...regular].filter((status) => !status.ready);
  if (unready.length === 0) return { status: "True" };
  const message = `containers with unready status: ${formatNames(unready)}`;
  return { status: "False", reason: "ContainersNotReady", message };
}

function describeGate(type: string, conditions: readonly PodCondition[]): string | undefined {
  const condition = conditions.find((candidate) => candidate.type === type);
  if (condition === undefined) return `corresponding condition of pod readiness gate "${type}" does not exist.`;
  if (condition.status === "True") return undefined;
  return `the status of pod readiness gate "${type}" is not "True", but ${condition.status}`;
}

/** The pod is here, so it was scheduled, whether a scheduler said so or not. */
function scheduled({ previous }: ConditionsInput): Finding {
  return (
    previous.find(({ type, status }) => type === "PodScheduled" && status === "True") ?? {
      type: "PodScheduled",
      status: "True",
    }
  );
}

function withTransition(finding: Finding, { previous, now, generation }: ConditionsInput): PodCondition {
  const before = previous.find(({ type }) => type === finding.type);
  const lastTransitionTime = before?.status === finding.status ? before.lastTransitionTime : now;
  return {
    ...finding,
    lastProbeTime: before?.lastProbeTime,
    lastTransitionTime: lastTransitionTime ?? now,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
  };
}

/** As Go prints a list of names. */
function formatNames(statuses: readonly ContainerStatus[]): string {
  return `[${statuses.map(({ name }) => name).join(" ")}]`;
}
