import { join } from "node:path";

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import type { ImageService } from "../cri/image-service.ts";
import type { ImageSpec } from "../cri/image-spec.ts";
import type { ContainerStatus, PodSandboxConfig, RuntimeService } from "../cri/runtime-service.ts";
import type { Backoff } from "./backoff.ts";
import { containerConfigOf, restartCountFromLogs } from "./container/container-config.ts";
import type { PodSurroundings } from "./container/downward-api.ts";
import { makeEnvironment } from "./container/environment.ts";
import { containerMounts } from "./container/mounts.ts";
import type { ObjectReader } from "./container/object-reader.ts";
import { checkRunAsNonRoot } from "./container/security-context.ts";
import { ContainerStartError } from "./container-start-error.ts";
import { formatGoDuration } from "./go-duration.ts";
import type { HookRunner } from "./hooks/run-hook.ts";
import type { ImageManager } from "./image-manager/image-manager.ts";
import type { ContainerKiller } from "./kill-container.ts";
import { formatPod, type NodePod, type PodContainer } from "./node-pod.ts";
import type { PodDirectories } from "./pod-directories.ts";
import type { PodEvents } from "./pod-events.ts";
import { containerFactsOf, containerHash } from "./runtime-labels.ts";
import type { PreparedVolume } from "./volumes/prepare-volumes.ts";

/** What starting a container uses. */
export interface ContainerStarterOptions {
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly imageManager: ImageManager;
  readonly crashBackoff: Backoff;
  readonly hooks: HookRunner;
  readonly killer: ContainerKiller;
  readonly objects: ObjectReader;
  readonly directories: PodDirectories;
  readonly events: PodEvents;
  readonly clock: Clock;
  readonly node: { readonly memoryBytes: number };
}

/** Which container to start, and where. */
export interface StartRequest {
  readonly pod: NodePod;
  readonly container: PodContainer;
  readonly sandboxId: string;
  readonly sandboxConfig: PodSandboxConfig;
  /** The container it follows, where there was one. */
  readonly previous: ContainerStatus | undefined;
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  readonly around: PodSurroundings;
  readonly hostsFile: string;
  /** Called when the container runs, before its postStart hook. */
  readonly onRunning: () => void;
  readonly signal: AbortSignal;
}

/**
 * Starts one container: waits out its crash back-off, makes its image present, creates and starts it and runs its postStart hook. Every step
 * has its event. Throws `ContainerStartError`.
 */
export async function startContainer(options: ContainerStarterOptions, request: StartRequest): Promise<void> {
  try {
    checkCrashBackoff(options, request);
    const image = await options.imageManager.ensureImage(request, request.signal);
    const containerId = await createContainer(options, request, image);
    await start(options, request, containerId);
    await runPostStart(options, request, containerId);
  } catch (error) {
    request.signal.throwIfAborted();
    if (error instanceof ContainerStartError && error.eventDetail !== undefined) {
      options.events.container(request, "Warning", "Failed", `Error: ${error.eventDetail}`);
    }
    throw error;
  }
}

function checkCrashBackoff({ crashBackoff, events }: ContainerStarterOptions, request: StartRequest): void {
  const { pod, container, previous } = request;
  if (previous?.state !== "CONTAINER_EXITED") return;
  const key = crashKeyOf(pod, container);
  const endsAt = crashBackoff.endsAt(key, previous.finishedAt);
  if (endsAt === undefined) {
    crashBackoff.next(key, previous.finishedAt);
    return;
  }
  const { name } = container.spec;
  events.container(
    request,
    "Warning",
    "BackOff",
    `Back-off restarting failed container ${name} in pod ${formatPod(pod)}`,
  );
  const wait = formatGoDuration(crashBackoff.waitMs(key));
  const message = `back-off ${wait} restarting failed container=${name} pod=${formatPod(pod)}`;
  throw new ContainerStartError("CrashLoopBackOff", message, { retryAt: endsAt });
}

function crashKeyOf(pod: NodePod, { spec }: PodContainer): string {
  return `${pod.uid}_${spec.name}_${containerHash(spec)}`;
}

async function createContainer(
  options: ContainerStarterOptions,
  request: StartRequest,
  image: ImageSpec,
): Promise<string> {
  const { runtime, images, directories, events, node } = options;
  const { pod, container, volumes, hostsFile, sandboxId, sandboxConfig } = request;
  const [variables, restartCount, present] = await Promise.all([
    variablesOf(options, request),
    nextRestartCount(directories, request),
    images.imageStatus(image),
  ]);
  checkRunAsNonRoot(pod, container, present);
  const mounts = await containerMounts({ pod, container, volumes, directories, hostsFile, variables });
  const { seccompDir } = directories;
  const config = containerConfigOf({ pod, container, image, restartCount, variables, mounts, node, seccompDir });
  try {
    const containerId = await runtime.createContainer(sandboxId, config, sandboxConfig, request.signal);
    events.container(request, "Normal", "Created", "Container created");
    return containerId;
  } catch (error) {
    const message = messageOf(error);
    throw new ContainerStartError("CreateContainerError", message, { cause: error, eventDetail: message });
  }
}

async function variablesOf(
  options: ContainerStarterOptions,
  request: StartRequest,
): Promise<ReadonlyMap<string, string>> {
  const { pod, container, around } = request;
  const environment = await makeEnvironment({ pod, container: container.spec, around, objects: options.objects });
  for (const { source, keys } of environment.skipped) {
    const message = `Keys [${keys.join(", ")}] from the EnvFrom ${source} were skipped since they are considered invalid environment variable names.`;
    options.events.pod(pod, "Warning", "InvalidEnvironmentVariableNames", message);
  }
  return environment.variables;
}

async function nextRestartCount(
  directories: PodDirectories,
  { pod, container, previous }: StartRequest,
): Promise<number> {
  if (previous !== undefined) return containerFactsOf(previous).restartCount + 1;
  return await restartCountFromLogs(join(directories.logDir(pod), container.spec.name));
}

async function start(
  { runtime, events }: ContainerStarterOptions,
  request: StartRequest,
  containerId: string,
): Promise<void> {
  try {
    await runtime.startContainer(containerId);
  } catch (error) {
    const message = messageOf(error);
    throw new ContainerStartError("RunContainerError", message, { cause: error, eventDetail: message });
  }
  events.container(request, "Normal", "Started", "Container started");
  request.onRunning();
}

/** A container whose postStart hook fails is ended as in any termination, and its restart policy decides what follows. */
async function runPostStart(
  options: ContainerStarterOptions,
  request: StartRequest,
  containerId: string,
): Promise<void> {
  const { pod, container, around, signal } = request;
  const handler = container.spec.lifecycle?.postStart;
  if (handler === undefined) return;
  const hook = { pod, containerName: container.spec.name, containerId, podIp: around.podIps[0], signal };
  try {
    await options.hooks.run(handler, hook);
  } catch (error) {
    signal.throwIfAborted();
    options.events.container(request, "Warning", "FailedPostStartHook", "PostStartHook failed");
    await options.killer.kill({ pod, container, containerId, podIp: hook.podIp, message: "FailedPostStartHook" });
    throw new ContainerStartError("PostStartHookError", messageOf(error), { cause: error });
  }
}
