import type { ContainerStatus } from "../cri/runtime-service.ts";
import { containersOf, isSidecar, type NodePod, type PodContainer, restartPolicyOf } from "./node-pod.ts";
import { containersNamed, type PodRuntime, readySandboxOf } from "./pod-runtime.ts";
import { containerFactsOf, containerHash } from "./runtime-labels.ts";

/** What has to be done so that the runtime holds what the pod asks for. */
export interface PodActions {
  /** The sandbox to use, or to give up where it is unusable. */
  readonly sandboxId: string | undefined;
  /** Whether all that runs must end first: the sandbox is unusable, or nothing is left to run. */
  readonly killPod: boolean;
  readonly createSandbox: boolean;
  /** Number of the next sandbox. */
  readonly attempt: number;
  readonly containersToKill: readonly ContainerToKill[];
  /** In the order to start them. */
  readonly containersToStart: readonly PodContainer[];
}

export interface ContainerToKill {
  readonly container: PodContainer;
  readonly status: ContainerStatus;
  /** Text of the `Killing` event. */
  readonly message: string;
}

/** Compares a pod with what the runtime holds of it. Pure. */
export function computePodActions(pod: NodePod, runtime: PodRuntime): PodActions {
  const [newest] = runtime.sandboxes;
  const sandbox = readySandboxOf(runtime);
  const attempt = newest === undefined ? 0 : newest.metadata.attempt + 1;
  const base = { sandboxId: newest?.id, attempt, containersToKill: [], containersToStart: [] };
  if (sandbox === undefined) {
    const containersToStart = startsInNewSandbox(pod, runtime);
    const createSandbox = containersToStart.length > 0;
    return { ...base, killPod: true, createSandbox, containersToStart };
  }
  return { ...base, ...actionsInSandbox(pod, runtime), createSandbox: false };
}

/** Whether a container that is in this state is to be started. */
export function shouldStart(pod: NodePod, container: PodContainer, status: ContainerStatus | undefined): boolean {
  if (pod.object.metadata?.deletionTimestamp !== undefined) return false;
  if (status === undefined || status.state === "CONTAINER_CREATED" || status.state === "CONTAINER_UNKNOWN") return true;
  if (status.state === "CONTAINER_RUNNING") return false;
  const policy = restartPolicyOf(pod, container);
  if (policy === "Always") return true;
  return policy === "OnFailure" && status.exitCode !== 0;
}

/** A pod that must not restart gets no second sandbox; otherwise everything that is not done starts over, init containers first. */
function startsInNewSandbox(pod: NodePod, runtime: PodRuntime): readonly PodContainer[] {
  const isRestart = runtime.sandboxes.length > 0 && runtime.containers.length > 0;
  if (isRestart && pod.spec.restartPolicy === "Never") return [];
  const regular = containersOf(pod).filter(({ kind }) => kind === "regular");
  const wanted = regular.filter((container) => {
    const [status] = containersNamed(runtime, container.spec.name);
    return (
      restartPolicyOf(pod, container) === "Always" || status?.state !== "CONTAINER_EXITED" || status.exitCode !== 0
    );
  });
  if (wanted.length === 0) return [];
  const [firstInit] = containersOf(pod).filter(({ kind }) => kind === "init");
  return firstInit === undefined ? wanted : [firstInit];
}

type SandboxActions = Pick<PodActions, "killPod" | "containersToKill" | "containersToStart">;

const NOTHING: SandboxActions = { killPod: false, containersToKill: [], containersToStart: [] };

function actionsInSandbox(pod: NodePod, runtime: PodRuntime): SandboxActions {
  const containers = containersOf(pod);
  const init = initActions(
    pod,
    runtime,
    containers.filter(({ kind }) => kind === "init"),
  );
  if (!init.isDone) return init;
  const regular = regularActions(
    pod,
    runtime,
    containers.filter(({ kind }) => kind === "regular"),
  );
  return {
    killPod: regular.killPod,
    containersToKill: regular.containersToKill,
    containersToStart: regular.killPod ? [] : [...init.containersToStart, ...regular.containersToStart],
  };
}

/** Init containers run one after another; a sidecar counts as done once it has started, and starts again whenever it ended. */
function initActions(
  pod: NodePod,
  runtime: PodRuntime,
  containers: readonly PodContainer[],
): SandboxActions & { readonly isDone: boolean } {
  const sidecarsToStart: PodContainer[] = [];
  const isPastInit = containersOf(pod).some(
    ({ kind, spec }) => kind === "regular" && containersNamed(runtime, spec.name).length > 0,
  );
  for (const container of containers) {
    const [status] = containersNamed(runtime, container.spec.name);
    if (isSidecar(container)) {
      if (status?.state === "CONTAINER_RUNNING") continue;
      if (!isPastInit) return { ...NOTHING, containersToStart: [...sidecarsToStart, container], isDone: false };
      sidecarsToStart.push(container);
    } else if (!isPastInit) {
      if (status?.state === "CONTAINER_EXITED" && status.exitCode === 0) continue;
      if (status?.state === "CONTAINER_RUNNING") return { ...NOTHING, isDone: false };
      // A failed init container that must not be tried again ends the pod.
      if (!shouldStart(pod, container, status)) return { ...NOTHING, killPod: true, isDone: false };
      return { ...NOTHING, containersToStart: [...sidecarsToStart, container], isDone: false };
    }
  }
  return { ...NOTHING, containersToStart: sidecarsToStart, isDone: true };
}

function regularActions(pod: NodePod, runtime: PodRuntime, containers: readonly PodContainer[]): SandboxActions {
  const toKill: ContainerToKill[] = [];
  const toStart: PodContainer[] = [];
  let kept = 0;
  for (const container of containers) {
    const [status] = containersNamed(runtime, container.spec.name);
    if (status?.state !== "CONTAINER_RUNNING") {
      if (shouldStart(pod, container, status)) toStart.push(container);
    } else if (isChanged(container, status)) {
      const message = `Container ${container.spec.name} definition changed, will be restarted`;
      toKill.push({ container, status, message });
      toStart.push(container);
    } else {
      kept++;
    }
  }
  return { killPod: kept === 0 && toStart.length === 0, containersToKill: toKill, containersToStart: toStart };
}

/** A container without a hash was not made by a kubelet that knew one: it is left as it is. */
function isChanged(container: PodContainer, status: ContainerStatus): boolean {
  const { hash } = containerFactsOf(status);
  return hash !== "" && hash !== containerHash(container.spec);
}
