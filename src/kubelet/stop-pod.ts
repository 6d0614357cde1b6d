import type { ContainerStatus } from "../cri/runtime-service.ts";
import { MIN_GRACE_SECONDS } from "./kill-container.ts";
import { containersOf, isSidecar, type NodePod, type PodContainer } from "./node-pod.ts";
import { containerNameOf, type PodRuntime } from "./pod-runtime.ts";
import type { PodServices } from "./pod-services.ts";
import { containerFactsOf } from "./runtime-labels.ts";

export interface StopPodRequest {
  readonly pod: NodePod;
  readonly runtime: PodRuntime;
  /** Seconds the pod gets; what its deletion or its spec says by default. */
  readonly graceSeconds?: number | undefined;
}

/**
 * Ends all containers of a pod side by side, sidecars after the others in the reverse of their order, and then its sandboxes. Resolves when
 * nothing of the pod runs.
 */
export async function stopPod(
  services: Pick<PodServices, "runtime" | "killer">,
  request: StopPodRequest,
): Promise<void> {
  const running = request.runtime.containers.filter(({ state }) => state === "CONTAINER_RUNNING");
  const targets = running.map((status) => ({ status, container: containerFor(request.pod, status) }));
  const regular = targets.filter(({ container }) => !isSidecar(container));
  const sidecars = orderedLikeSpec(
    request.pod,
    targets.filter(({ container }) => isSidecar(container)),
  ).toReversed();
  let ended: Promise<unknown> = Promise.all(regular.map((target) => kill(services, request, target)));
  for (const target of sidecars) {
    const after = ended;
    ended = Promise.all([after, kill(services, request, { ...target, after })]);
  }
  await ended;
  await Promise.all(request.runtime.sandboxes.map(({ id }) => services.runtime.stopPodSandbox(id)));
}

interface Target {
  readonly status: ContainerStatus;
  readonly container: PodContainer;
  readonly after?: Promise<unknown>;
}

async function kill(
  { killer }: Pick<PodServices, "killer">,
  { pod, runtime, graceSeconds }: StopPodRequest,
  { status, container, after }: Target,
): Promise<void> {
  const { gracePeriodSeconds, preStop } = containerFactsOf(status);
  const wanted =
    graceSeconds ?? pod.object.metadata?.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds;
  await killer.kill({
    pod,
    container,
    containerId: status.id,
    podIp: runtime.sandboxes[0]?.network.ip,
    message: `Stopping container ${container.spec.name}`,
    // A whole pod never gets less than what a stop signal needs to arrive, not even when deleted by force.
    graceSeconds: Math.max(MIN_GRACE_SECONDS, wanted ?? gracePeriodSeconds ?? 30),
    preStop,
    after,
  });
}

/** A container that the pod's object does not have is one of an older object; its name is enough to end it. */
function containerFor(pod: NodePod, status: ContainerStatus): PodContainer {
  const name = containerNameOf(status);
  return containersOf(pod).find(({ spec }) => spec.name === name) ?? { kind: "regular", spec: { name } };
}

function orderedLikeSpec(pod: NodePod, targets: readonly Target[]): readonly Target[] {
  const names = containersOf(pod).map(({ spec }) => spec.name);
  return targets.toSorted(
    (left, right) => names.indexOf(left.container.spec.name) - names.indexOf(right.container.spec.name),
  );
}
