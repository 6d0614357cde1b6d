import type { Clock } from "../base/clock.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { createNodeFileCredentials } from "../credentials/node-files.ts";
import type { VersionInfo } from "../cri/runtime-service.ts";
import { Backoff } from "./backoff.ts";
import { createObjectReader } from "./container/object-reader.ts";
import { createHookRunner } from "./hooks/run-hook.ts";
import { ImageManager } from "./image-manager/image-manager.ts";
import type { PullLimits } from "./image-manager/pull-queue.ts";
import { createContainerKiller } from "./kill-container.ts";
import {
  DEFAULT_MAX_PODS,
  DEFAULT_REGISTRY_BURST,
  type KubeletConfig,
  type KubeletOptions,
} from "./kubelet-options.ts";
import { type HostInfo, readHostPressure } from "./node/host-info.ts";
import { nodeResourcesOf } from "./node/node-resources.ts";
import { podDirectories } from "./pod-directories.ts";
import { createPodEvents } from "./pod-events.ts";
import type { NodeFacts, PodServices } from "./pod-services.ts";
import type { StatusManager } from "./status/status-manager.ts";

/** What was found out about the machine and the runtime before the kubelet starts. */
export interface Surroundings {
  readonly host: HostInfo;
  readonly version: VersionInfo;
  /** The host's resolver file that pods can use. */
  readonly resolvConf: string;
}

export interface PodServicesParts {
  readonly surroundings: Surroundings;
  readonly statuses: StatusManager;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** Called when an image has come to the node. */
  readonly onPulled: () => void;
  /** Called with the reference of an image that a container is about to be made from. */
  readonly onImageUsed: (reference: string) => void;
}

/** Returns what all pods of a node share. */
export async function createPodServices(options: KubeletOptions, parts: PodServicesParts): Promise<PodServices> {
  const { client, runtime, images, logger, config = {} } = options;
  const { surroundings, statuses, clock, onPulled, onImageUsed: onUsed } = parts;
  const events = createPodEvents(parts.recorder);
  const directories = podDirectories(options.rootDir, options.logsDir);
  const hooks = createHookRunner({ runtime, clock });
  const killer = createContainerKiller({ runtime, hooks, events, clock, logger });
  const nodeFiles = createNodeFileCredentials(config.credentialFiles ?? []);
  const limits = pullLimitsOf(config);
  const imageManager = new ImageManager({ client, images, nodeFiles, events, limits, onPulled, onUsed, logger, clock });
  const crashBackoff = new Backoff(clock, { initialMs: 10_000, maxMs: 300_000 });
  const objects = createObjectReader(client);
  const node = await nodeFactsOf(options, surroundings);
  const shared = { runtime, imageManager, crashBackoff, killer, objects, directories, events, clock, node };
  const { clusterDns = [], clusterDomain = "cluster.local" } = config;
  const dns = { clusterDns, clusterDomain, resolvConf: surroundings.resolvConf };
  return { ...shared, client, statuses, logger, dns, starter: { ...shared, images, hooks } };
}

/** Upstream pulls one image at a time unless told otherwise; see docs/differences.md. */
function pullLimitsOf(config: KubeletConfig): PullLimits {
  const { serializeImagePulls = false, maxParallelImagePulls = Number.POSITIVE_INFINITY } = config;
  return {
    maxParallel: serializeImagePulls ? 1 : maxParallelImagePulls,
    rate: { perSecond: config.registryPullQPS ?? 0, burst: config.registryBurst ?? DEFAULT_REGISTRY_BURST },
  };
}

async function nodeFactsOf(options: KubeletOptions, { host, version }: Surroundings): Promise<NodeFacts> {
  const maxPods = options.config?.maxPods ?? DEFAULT_MAX_PODS;
  const { allocatable } = nodeResourcesOf(host, await readHostPressure(options.rootDir), maxPods);
  return {
    name: options.nodeName,
    hostIps: options.nodeIps,
    runtimeName: version.runtimeName,
    memoryBytes: host.memoryBytes,
    allocatable,
  };
}
