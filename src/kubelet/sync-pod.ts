import { mkdir, readFile } from "node:fs/promises";

import { messageOf } from "../base/coded-error.ts";
import type { PodSandboxConfig, PodSandboxStatus } from "../cri/runtime-service.ts";
import { hostNetworkHostsFile, podHostsFile } from "./container/hosts-file.ts";
import { ContainerStartError } from "./container-start-error.ts";
import { isSidecar, type NodePod, type PodContainer } from "./node-pod.ts";
import { computePodActions, type PodActions } from "./pod-actions.ts";
import { containersNamed, type PodRuntime, readPodRuntime } from "./pod-runtime.ts";
import type { PodServices } from "./pod-services.ts";
import { removeOldContainers } from "./remove-old-containers.ts";
import { podDnsOf } from "./sandbox/dns-config.ts";
import { hostnameOf, sandboxConfigOf } from "./sandbox/sandbox-config.ts";
import { startContainer } from "./start-container.ts";
import { stopPod } from "./stop-pod.ts";
import { type PreparedVolume, prepareVolumes, VolumeError } from "./volumes/prepare-volumes.ts";

/** One pass over one pod. */
export interface SyncRequest {
  readonly pod: NodePod;
  /** Whether volumes are brought up to date though nothing is to be started. */
  readonly refreshVolumes: boolean;
  /** Why the last try to start each container failed; kept up to date. */
  readonly startErrors: Map<string, ContainerStartError>;
  /** Running containers whose postStart hook has not ended; kept up to date. */
  readonly starting: Set<string>;
  /** Called whenever the pod's status may have changed. */
  readonly onProgress: () => void;
  readonly signal: AbortSignal;
}

export interface SyncResult {
  /** When to look again though nothing has happened, in ms since the epoch. */
  readonly retryAt: number | undefined;
}

/**
 * Brings the runtime nearer to what a pod asks for: ends what must end, makes the sandbox and starts containers, one after another. What
 * fails has its event and is tried again later. Throws where the pass could not be finished.
 */
export async function syncPod(services: PodServices, request: SyncRequest): Promise<SyncResult> {
  const { pod, signal } = request;
  const runtime = await readPodRuntime(services.runtime, pod.uid);
  const actions = computePodActions(pod, runtime);
  if (actions.killPod) await endSandbox(services, { pod, actions, runtime });
  await killContainers(services, request, { actions, runtime });
  if (actions.containersToStart.length === 0) {
    if (request.refreshVolumes && !actions.killPod) await volumesOf(services, pod);
    return { retryAt: undefined };
  }
  signal.throwIfAborted();
  const [volumes] = await Promise.all([volumesOf(services, pod), makeDirectories(services, pod)]);
  signal.throwIfAborted();
  const sandbox = await sandboxFor(services, request, { actions, runtime });
  request.onProgress();
  return await startContainers(services, request, { actions, runtime, volumes, sandbox });
}

interface Situation {
  readonly actions: PodActions;
  readonly runtime: PodRuntime;
}

async function endSandbox(services: PodServices, situation: Situation & { readonly pod: NodePod }): Promise<void> {
  const { pod, actions, runtime } = situation;
  if (actions.createSandbox && actions.sandboxId !== undefined) {
    services.events.pod(pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }
  await stopPod(services, { pod, runtime });
}

async function killContainers(
  { killer }: PodServices,
  { pod }: SyncRequest,
  { actions, runtime }: Situation,
): Promise<void> {
  const podIp = runtime.sandboxes[0]?.network.ip;
  await Promise.all(
    actions.containersToKill.map(({ container, status, message }) =>
      killer.kill({ pod, container, containerId: status.id, podIp, message }),
    ),
  );
}

async function volumesOf(services: PodServices, pod: NodePod): Promise<ReadonlyMap<string, PreparedVolume>> {
  const { objects, directories, events, node } = services;
  const around = { hostIps: node.hostIps, podIps: [], allocatable: node.allocatable };
  try {
    return await prepareVolumes({ pod, objects, directories, around });
  } catch (error) {
    if (error instanceof VolumeError) events.pod(pod, "Warning", "FailedMount", error.message);
    throw error;
  }
}

async function makeDirectories({ directories }: PodServices, pod: NodePod): Promise<void> {
  await Promise.all([
    mkdir(directories.podDir(pod), { recursive: true, mode: 0o750 }),
    mkdir(directories.logDir(pod), { recursive: true, mode: 0o755 }),
  ]);
}

interface ReadySandbox {
  readonly config: PodSandboxConfig;
  readonly status: PodSandboxStatus;
}

async function sandboxFor(
  services: PodServices,
  request: SyncRequest,
  { actions, runtime }: Situation,
): Promise<ReadySandbox> {
  const { pod, signal } = request;
  const existing = actions.createSandbox ? undefined : runtime.sandboxes[0];
  const dns = await podDnsOf(pod, services.dns);
  const config = sandboxConfigOf({
    pod,
    attempt: existing?.metadata.attempt ?? actions.attempt,
    logDirectory: services.directories.logDir(pod),
    nodeName: services.node.name,
    dnsConfig: dns.config,
    seccompDir: services.directories.seccompDir,
  });
  if (existing !== undefined) return { config, status: existing };
  for (const warning of dns.warnings) services.events.pod(pod, "Warning", "DNSConfigForming", warning);
  try {
    const id = await services.runtime.runPodSandbox(config, undefined, signal);
    return { config, status: await services.runtime.podSandboxStatus(id) };
  } catch (error) {
    signal.throwIfAborted();
    const message = `Failed to create pod sandbox: ${messageOf(error)}`;
    services.events.pod(pod, "Warning", "FailedCreatePodSandBox", message);
    throw error;
  }
}

interface StartSituation extends Situation {
  readonly volumes: ReadonlyMap<string, PreparedVolume>;
  readonly sandbox: ReadySandbox;
}

/** Containers start in order. One that fails keeps only those from starting that need it: all others after an init container. */
async function startContainers(
  services: PodServices,
  request: SyncRequest,
  situation: StartSituation,
): Promise<SyncResult> {
  const { startErrors, onProgress, signal } = request;
  const retries: number[] = [];
  for (const container of situation.actions.containersToStart) {
    signal.throwIfAborted();
    const { name } = container.spec;
    try {
      await startOne(services, request, { ...situation, container });
      startErrors.delete(name);
      if (isSidecar(container)) retries.push(services.clock.now());
    } catch (error) {
      if (!(error instanceof ContainerStartError)) throw error;
      startErrors.set(name, error);
      retries.push(error.retryAt ?? services.clock.now() + RETRY_MS * (1 + Math.random() / 2));
    } finally {
      request.starting.delete(name);
      onProgress();
    }
    if (startErrors.has(name) && container.kind === "init" && !isSidecar(container)) break;
  }
  return { retryAt: retries.length === 0 ? undefined : Math.min(...retries) };
}

const RETRY_MS = 10_000;

async function startOne(
  services: PodServices,
  request: SyncRequest,
  { container, runtime, volumes, sandbox }: StartSituation & { readonly container: PodContainer },
): Promise<void> {
  const { pod, signal } = request;
  const earlier = containersNamed(runtime, container.spec.name);
  const podIps = podIpsOf(pod, sandbox.status, services.node.hostIps);
  await startContainer(services.starter, {
    pod,
    container,
    sandboxId: sandbox.status.id,
    sandboxConfig: sandbox.config,
    previous: earlier[0],
    volumes,
    around: { hostIps: services.node.hostIps, podIps, allocatable: services.node.allocatable },
    hostsFile: await hostsFileOf(pod, podIps, services.node.name),
    onRunning: () => {
      if (container.spec.lifecycle?.postStart !== undefined) request.starting.add(container.spec.name);
      request.onProgress();
    },
    signal,
  });
  await removeOldContainers(services, earlier);
}

function podIpsOf({ spec }: NodePod, { network }: PodSandboxStatus, hostIps: readonly string[]): readonly string[] {
  if (spec.hostNetwork === true) return hostIps;
  return network.ip === "" ? [] : [network.ip, ...network.additionalIps];
}

async function hostsFileOf(pod: NodePod, podIps: readonly string[], nodeName: string): Promise<string> {
  const aliases = pod.spec.hostAliases ?? [];
  if (pod.spec.hostNetwork === true) {
    return hostNetworkHostsFile(await readFile("/etc/hosts", "utf8").catch(() => ""), aliases);
  }
  return podHostsFile({ podIps, hostname: hostnameOf(pod, nodeName), aliases });
}
