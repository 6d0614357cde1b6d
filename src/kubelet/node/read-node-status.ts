import type { NodeStatus } from "../../api/core-v1.gen.ts";
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Surroundings } from "../create-pod-services.ts";
import { DEFAULT_MAX_PODS, type KubeletOptions } from "../kubelet-options.ts";
import { kubeletVersion } from "../kubelet-version.ts";
import { readHostPressure } from "./host-info.ts";
import { nodeStatusOf } from "./node-status.ts";

export interface ReadNodeStatusRequest {
  readonly options: KubeletOptions;
  readonly surroundings: Surroundings;
  /** Where the node's server listens. */
  readonly port: number;
  readonly previous: NodeStatus | undefined;
  readonly clock: Clock;
}

/** Asks machine, runtime and image service how they are, and returns the node's status. A part that does not answer is told as such. */
export async function readNodeStatus(request: ReadNodeStatusRequest): Promise<NodeStatus> {
  const { runtime, images, nodeName, nodeIps, rootDir, config = {} } = request.options;
  const [status, present, pressure] = await Promise.all([
    runtime.status().catch((error: unknown) => ({ error: messageOf(error) })),
    images.listImages().catch(() => []),
    readHostPressure(rootDir),
  ]);
  return nodeStatusOf({
    host: request.surroundings.host,
    version: request.surroundings.version,
    pressure,
    runtime: status,
    images: present,
    nodeName,
    nodeIps,
    externalIp: config.externalIp,
    port: request.port,
    maxPods: config.maxPods ?? DEFAULT_MAX_PODS,
    maxImages: config.nodeStatusMaxImages ?? DEFAULT_MAX_IMAGES,
    kubeletVersion: kubeletVersion(),
    previousConditions: request.previous?.conditions ?? [],
    now: request.clock.now(),
  });
}

const DEFAULT_MAX_IMAGES = 50;
