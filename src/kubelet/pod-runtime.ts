import { codeOf } from "../base/coded-error.ts";
import type { ContainerStatus, PodSandboxStatus, RuntimeService } from "../cri/runtime-service.ts";
import type { PodRef } from "./node-pod.ts";
import { CONTAINER_NAME_LABEL, podRefOf, POD_UID_LABEL } from "./runtime-labels.ts";

/** What the runtime holds of one pod. */
export interface PodRuntime {
  /** Newest first. */
  readonly sandboxes: readonly PodSandboxStatus[];
  /** Newest first. */
  readonly containers: readonly ContainerStatus[];
}

/** Asks the runtime what it holds of a pod. What vanishes between two questions is left out. */
export async function readPodRuntime(runtime: RuntimeService, uid: string): Promise<PodRuntime> {
  const filter = { labelSelector: { [POD_UID_LABEL]: uid } };
  const [sandboxes, containers] = await Promise.all([
    runtime.listPodSandbox(filter).then((all) => present(all.map(({ id }) => runtime.podSandboxStatus(id)))),
    runtime.listContainers(filter).then((all) => present(all.map(({ id }) => runtime.containerStatus(id)))),
  ]);
  return { sandboxes: sandboxes.toSorted(newestFirst), containers: containers.toSorted(newestFirst) };
}

/** Returns the pods that the runtime holds anything of, by uid. */
export async function listRuntimePods(runtime: RuntimeService): Promise<ReadonlyMap<string, PodRef>> {
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandbox(), runtime.listContainers()]);
  const refs = [...sandboxes, ...containers].flatMap(({ labels }) => podRefOf(labels) ?? []);
  return new Map(refs.map((ref) => [ref.uid, ref]));
}

/** Returns the statuses of the container of this name, newest first. */
export function containersNamed(runtime: PodRuntime, name: string): readonly ContainerStatus[] {
  return runtime.containers.filter((container) => containerNameOf(container) === name);
}

/** Returns the name a container has in its pod. */
export function containerNameOf({ labels, metadata }: Pick<ContainerStatus, "labels" | "metadata">): string {
  return labels[CONTAINER_NAME_LABEL] ?? metadata.name;
}

/** Returns the sandbox that the pod runs in, where there is one that is ready. */
export function readySandboxOf(runtime: PodRuntime): PodSandboxStatus | undefined {
  const [newest] = runtime.sandboxes;
  return newest?.state === "SANDBOX_READY" ? newest : undefined;
}

async function present<T>(statuses: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(statuses);
  return results.flatMap((result) => {
    if (result.status === "fulfilled") return [result.value];
    if (codeOf(result.reason) === "NOT_FOUND") return [];
    throw result.reason;
  });
}

function newestFirst(left: Created, right: Created): number {
  return right.createdAt - left.createdAt || right.metadata.attempt - left.metadata.attempt;
}

interface Created {
  readonly createdAt: number;
  readonly metadata: { readonly attempt: number };
}
