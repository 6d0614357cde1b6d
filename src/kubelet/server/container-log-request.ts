import type { ContainerStatus as ApiContainerStatus, PodStatus } from "../../api/core-v1.gen.ts";
import { codeOf } from "../../base/coded-error.ts";
import type { ContainerStatus, RuntimeService } from "../../cri/runtime-service.ts";
import { containersOf, type NodePod } from "../node-pod.ts";
import { containersNamed, type PodRuntime } from "../pod-runtime.ts";

/** A request that is answered with an HTTP status and a line of text. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  readonly httpStatus: number;

  constructor(httpStatus: number, message: string) {
    super(message);
    this.httpStatus = httpStatus;
  }
}

export interface LogTarget {
  readonly pod: NodePod;
  readonly status: PodStatus | undefined;
  readonly runtime: PodRuntime;
  readonly containerName: string;
  readonly isPrevious: boolean;
}

/** Returns the container whose log is meant. Throws `RequestError` in the kubelet's words where there is none to show. */
export function logContainerOf({ pod, status, runtime, containerName, isPrevious }: LogTarget): ContainerStatus {
  if (!containersOf(pod).some(({ spec }) => spec.name === containerName)) {
    throw new RequestError(404, `container "${containerName}" not found in pod "${pod.name}"`);
  }
  const [current, before] = containersNamed(runtime, containerName);
  const subject = `container "${containerName}" in pod "${pod.name}"`;
  if (isPrevious) {
    // A container that waits for its next start is shown as the last one, so its log is the previous one.
    const previous = isWaiting(status, containerName) ? current : before;
    if (previous === undefined) throw new RequestError(400, `previous terminated ${subject} not found`);
    return previous;
  }
  if (current !== undefined && current.state !== "CONTAINER_CREATED") return current;
  if (before !== undefined) return before;
  throw new RequestError(400, `${subject} is waiting to start${whyWaiting(statusNamed(status, containerName))}`);
}

/** Whether a container still runs; one that is gone does not. */
export async function isContainerRunning(runtime: RuntimeService, containerId: string): Promise<boolean> {
  try {
    return (await runtime.containerStatus(containerId)).state === "CONTAINER_RUNNING";
  } catch (error) {
    if (codeOf(error) === "NOT_FOUND") return false;
    throw error;
  }
}

function isWaiting(status: PodStatus | undefined, name: string): boolean {
  return statusNamed(status, name)?.state?.waiting !== undefined;
}

function statusNamed(status: PodStatus | undefined, name: string): ApiContainerStatus | undefined {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].find(
    (each) => each.name === name,
  );
}

function whyWaiting(status: ApiContainerStatus | undefined): string {
  const reason = status?.state?.waiting?.reason;
  if (reason === "ErrImagePull") return ": image can't be pulled";
  if (reason === "ImagePullBackOff") return ": trying and failing to pull image";
  return reason === undefined ? " - no logs yet" : `: ${reason}`;
}
