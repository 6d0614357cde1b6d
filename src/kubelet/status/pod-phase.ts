import type { ContainerStatus, PodSpec } from "../../api/core-v1.gen.ts";

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

/** Statuses of a pod's containers, by list. */
export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
}

export interface PhaseInput extends ContainerStatuses {
  /** Whether the pod will start no container any more, whatever its restart policy. */
  readonly isEnding: boolean;
}

/** Returns the phase that follows from the states of a pod's containers and its restart policy. */
export function podPhaseOf(spec: PodSpec, { init, regular, isEnding }: PhaseInput): PodPhase {
  const setups = init.filter(({ name }) => !isSidecarName(spec, name));
  const sidecars = init.filter(({ name }) => isSidecarName(spec, name));
  const failed = setups.some((status) => isFailedForGood(spec, status));
  if (failed) return "Failed";
  const isInitialized = setups.every(isSucceeded) && sidecars.every(hasStarted);
  if (!isInitialized && regular.every(({ state }) => state?.waiting !== undefined)) return "Pending";
  return regularPhase(spec, regular, isEnding);
}

/** Whether nothing can change a phase any more. */
export function isTerminalPhase(phase: string | undefined): boolean {
  return phase === "Succeeded" || phase === "Failed";
}

function regularPhase(
  { restartPolicy = "Always" }: PodSpec,
  statuses: readonly ContainerStatus[],
  isEnding: boolean,
): PodPhase {
  const neverRan = statuses.some(
    ({ state, lastState }) => state?.waiting !== undefined && lastState?.terminated === undefined,
  );
  if (neverRan) return "Pending";
  if (statuses.some(({ state }) => state?.running !== undefined)) return "Running";
  if (restartPolicy === "Always" && !isEnding) return "Running";
  if (statuses.every(isSucceeded)) return "Succeeded";
  return restartPolicy === "Never" || isEnding ? "Failed" : "Running";
}

function isSidecarName({ initContainers = [] }: PodSpec, name: string): boolean {
  return initContainers.some((container) => container.name === name && container.restartPolicy === "Always");
}

function isFailedForGood({ restartPolicy, initContainers = [] }: PodSpec, { name, state }: ContainerStatus): boolean {
  const own = initContainers.find((container) => container.name === name)?.restartPolicy;
  const isFailed = state?.terminated !== undefined && state.terminated.exitCode !== 0;
  return isFailed && (own ?? restartPolicy) === "Never";
}

function isSucceeded({ state }: ContainerStatus): boolean {
  return state?.terminated?.exitCode === 0;
}

function hasStarted({ started, state, lastState }: ContainerStatus): boolean {
  return started === true || state?.terminated !== undefined || lastState?.terminated !== undefined;
}
