import type { LifecycleHandler } from "../api/core-v1.gen.ts";
import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { RuntimeService } from "../cri/runtime-service.ts";
import type { HookRunner } from "./hooks/run-hook.ts";
import type { NodePod, PodContainer } from "./node-pod.ts";
import type { PodEvents } from "./pod-events.ts";

/** Which container to end, and why. */
export interface KillRequest {
  readonly pod: NodePod;
  readonly container: PodContainer;
  readonly containerId: string;
  readonly podIp: string | undefined;
  /** Text of the `Killing` event. */
  readonly message: string;
  /** Whole seconds the container gets in all; the pod's own by default. */
  readonly graceSeconds?: number | undefined;
  /** The hook as the container was created with it, where the pod's object is gone. */
  readonly preStop?: LifecycleHandler | undefined;
  /** Resolves when the containers that must end before it have; the wait counts against the grace. */
  readonly after?: Promise<unknown> | undefined;
}

/** Ends containers with their grace. */
export interface ContainerKiller {
  /** Resolves when the container has ended. */
  kill(request: KillRequest): Promise<void>;
}

/** The least a container gets between its stop signal and the end, in seconds. */
export const MIN_GRACE_SECONDS = 2;
const DEFAULT_GRACE_SECONDS = 30;

export interface ContainerKillerOptions {
  readonly runtime: RuntimeService;
  readonly hooks: HookRunner;
  readonly events: PodEvents;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Returns what ends containers: preStop hook, stop signal, and the kill when the grace they share is used up. */
export function createContainerKiller(options: ContainerKillerOptions): ContainerKiller {
  return { kill: (request) => kill(options, request) };
}

/** Returns the seconds that a pod's containers get to end: what its deletion says, else its own. */
export function gracePeriodOf(pod: NodePod): number {
  const { deletionGracePeriodSeconds } = pod.object.metadata ?? {};
  return deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
}

async function kill(options: ContainerKillerOptions, request: KillRequest): Promise<void> {
  const { runtime, events, clock } = options;
  const grace = request.graceSeconds ?? gracePeriodOf(request.pod);
  events.container(request, "Normal", "Killing", request.message);
  const startedAt = clock.monotonic();
  const deadline = AbortSignal.timeout(Math.max(0, grace) * 1000);
  if (grace > 0) await runPreStop(options, request, deadline);
  if (request.after !== undefined) await Promise.race([request.after, aborted(deadline)]);
  const elapsedSeconds = Math.floor((clock.monotonic() - startedAt) / 1000);
  await runtime.stopContainer(request.containerId, Math.max(MIN_GRACE_SECONDS, grace - elapsedSeconds));
}

/** When the grace is used up the hook is left to itself: the container's end ends it. */
async function runPreStop(options: ContainerKillerOptions, request: KillRequest, deadline: AbortSignal): Promise<void> {
  const { pod, container, containerId, podIp } = request;
  const handler = container.spec.lifecycle?.preStop ?? request.preStop;
  if (handler === undefined) return;
  const hook = { pod, containerName: container.spec.name, containerId, podIp, signal: deadline };
  const fields = { pod: pod.name, namespace: pod.namespace, container: container.spec.name };
  const running = options.hooks.run(handler, hook).catch((error: unknown) => {
    if (deadline.aborted) return;
    options.logger.warn({ ...fields, error: messageOf(error) }, "preStop hook failed");
    options.events.container(request, "Warning", "FailedPreStopHook", "PreStopHook failed");
  });
  await Promise.race([running, aborted(deadline)]);
  if (deadline.aborted) options.logger.warn(fields, "preStop hook did not end within the grace period");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
