import type {
  ContainerState,
  ContainerStateTerminated,
  ContainerStatus as ApiContainerStatus,
} from "../../api/core-v1.gen.ts";
import type { ContainerStatus } from "../../cri/runtime-service.ts";
import type { ContainerStartError } from "../container-start-error.ts";
import { isSidecar, type NodePod, type PodContainer, restartPolicyOf } from "../node-pod.ts";
import { shouldStart } from "../pod-actions.ts";
import { containerNameOf, containersNamed, type PodRuntime } from "../pod-runtime.ts";
import { containerFactsOf } from "../runtime-labels.ts";
import { timestampOf } from "./timestamp.ts";

/** What the status of a pod's containers is computed from. */
export interface ContainerStatusInput {
  readonly pod: NodePod;
  readonly runtime: PodRuntime;
  /** Prefix of container ids, e.g. `berth`. */
  readonly runtimeName: string;
  /** Why the last try to start a container failed, by its name. */
  readonly startErrors: ReadonlyMap<string, ContainerStartError>;
  /** Termination messages by container id. */
  readonly messages: ReadonlyMap<string, string>;
  /** Statuses that the API last had, by container name. */
  readonly previous: ReadonlyMap<string, ApiContainerStatus>;
  /** Names of running containers whose postStart hook has not ended. */
  readonly starting: ReadonlySet<string>;
  /** Whether the pod will start no container any more. */
  readonly isEnding: boolean;
}

/** Returns the status of one container as the API shows it. */
export function containerStatusOf(container: PodContainer, input: ContainerStatusInput): ApiContainerStatus {
  const [current, before] = containersNamed(input.runtime, container.spec.name);
  if (current === undefined) return absentStatus(container, input);
  const state = stateOf(current, input);
  const previous = input.previous.get(container.spec.name);
  const older = before === undefined ? undefined : terminatedState(before, input);
  const restartCount = containerFactsOf(current).restartCount;
  const lastState = older ?? (restartCount > 0 ? previous?.lastState : undefined) ?? {};
  const waiting = waitingAfterEnd(container, current, input);
  const isRunning = state.running !== undefined;
  const isStarted = isRunning && !input.starting.has(container.spec.name);
  return {
    name: container.spec.name,
    state: waiting ?? state,
    lastState: waiting === undefined ? lastState : state,
    ready: isReady(container, current, isStarted),
    restartCount,
    image: current.image.image,
    imageID: current.imageRef,
    containerID: `${input.runtimeName}://${current.id}`,
    started: isStarted,
  };
}

/** A container that the runtime does not have: not made yet, or lost. */
function absentStatus(container: PodContainer, input: ContainerStatusInput): ApiContainerStatus {
  const { spec } = container;
  const previous = input.previous.get(spec.name);
  const lost = lostState(container, previous, input);
  if (lost !== undefined) return lost;
  const error = input.startErrors.get(spec.name);
  const hasInit = (input.pod.spec.initContainers ?? []).length > 0;
  const waiting =
    error === undefined ? { reason: hasInit ? "PodInitializing" : "ContainerCreating" } : waitingFor(error);
  return {
    name: spec.name,
    state: { waiting },
    lastState: previous?.lastState ?? {},
    ready: false,
    restartCount: previous?.restartCount ?? 0,
    image: spec.image ?? "",
    imageID: "",
    started: false,
  };
}

/** Where the API knew a container that has run and the runtime does not, its end was seen by nobody. */
function lostState(
  container: PodContainer,
  previous: ApiContainerStatus | undefined,
  { pod, isEnding }: ContainerStatusInput,
): ApiContainerStatus | undefined {
  if (previous?.state?.terminated !== undefined && isEnding) return previous;
  const isInitDone = container.kind === "init" && !isSidecar(container) && previous?.state?.terminated !== undefined;
  if (isInitDone && previous !== undefined) return previous;
  if (previous?.state?.running === undefined) return undefined;
  const terminated: ContainerStateTerminated = {
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was terminated",
    exitCode: 137,
    ...(previous.containerID === undefined ? {} : { containerID: previous.containerID }),
  };
  const isOver = isEnding || restartPolicyOf(pod, container) === "Never";
  if (isOver) return { ...previous, state: { terminated }, ready: false, started: false };
  return {
    ...previous,
    state: { waiting: { reason: "ContainerCreating" } },
    lastState: { terminated },
    restartCount: previous.restartCount + 1,
    ready: false,
    started: false,
  };
}

function waitingAfterEnd(
  container: PodContainer,
  current: ContainerStatus,
  { pod, startErrors, isEnding }: ContainerStatusInput,
): ContainerState | undefined {
  const error = startErrors.get(container.spec.name);
  if (error === undefined || isEnding || current.state !== "CONTAINER_EXITED") return undefined;
  return shouldStart(pod, container, current) ? { waiting: waitingFor(error) } : undefined;
}

function waitingFor(error: ContainerStartError): { readonly reason: string; readonly message: string } {
  return { reason: error.code, message: error.message };
}

function stateOf(status: ContainerStatus, input: ContainerStatusInput): ContainerState {
  switch (status.state) {
    case "CONTAINER_RUNNING":
      return { running: { startedAt: timestampOf(status.startedAt) } };
    case "CONTAINER_EXITED":
      return terminatedState(status, input);
    case "CONTAINER_CREATED":
    case "CONTAINER_UNKNOWN":
      break;
  }
  const error = input.startErrors.get(containerNameOf(status));
  return { waiting: error === undefined ? { reason: "ContainerCreating" } : waitingFor(error) };
}

function terminatedState(status: ContainerStatus, { runtimeName, messages }: ContainerStatusInput): ContainerState {
  const message = messages.get(status.id) || status.message;
  return {
    terminated: {
      exitCode: status.exitCode,
      reason: status.reason || (status.exitCode === 0 ? "Completed" : "Error"),
      ...(message === "" ? {} : { message }),
      startedAt: timestampOf(status.startedAt),
      finishedAt: timestampOf(status.finishedAt),
      containerID: `${runtimeName}://${status.id}`,
    },
  };
}

/** An init container is ready when it is done; any other while it runs. */
function isReady(container: PodContainer, status: ContainerStatus, isStarted: boolean): boolean {
  if (container.kind === "regular" || isSidecar(container)) return isStarted;
  return status.state === "CONTAINER_EXITED" && status.exitCode === 0;
}
