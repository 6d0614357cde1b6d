import type { NodeAddress, NodeCondition, NodeStatus, NodeSystemInfo } from "../../api/core-v1.gen.ts";
import type { Image } from "../../cri/image-service.ts";
import type { RuntimeStatus, VersionInfo } from "../../cri/runtime-service.ts";
import { timestampOf } from "../status/timestamp.ts";
import type { HostInfo, HostPressure } from "./host-info.ts";
import { nodeConditionsOf } from "./node-conditions.ts";
import { nodeImagesOf } from "./node-images.ts";
import { nodeResourcesOf } from "./node-resources.ts";

export interface NodeStatusInput {
  readonly host: HostInfo;
  readonly pressure: HostPressure;
  readonly runtime: RuntimeStatus | { readonly error: string };
  readonly version: VersionInfo | undefined;
  readonly images: readonly Image[];
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly externalIp: string | undefined;
  readonly port: number;
  readonly maxPods: number;
  readonly maxImages: number;
  readonly kubeletVersion: string;
  readonly previousConditions: readonly NodeCondition[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Returns what a node tells of itself. Pure. */
export function nodeStatusOf(input: NodeStatusInput): NodeStatus {
  const { capacity, allocatable } = nodeResourcesOf(input.host, input.pressure, input.maxPods);
  return {
    capacity,
    allocatable,
    conditions: nodeConditionsOf({
      runtime: input.runtime,
      pressure: input.pressure,
      previous: input.previousConditions,
      now: timestampOf(input.now),
    }),
    addresses: addressesOf(input),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: nodeInfoOf(input),
    images: nodeImagesOf(input.images, input.maxImages),
  };
}

function addressesOf({ nodeIps, externalIp, nodeName }: NodeStatusInput): NodeAddress[] {
  const external = externalIp === undefined ? [] : [{ type: "ExternalIP", address: externalIp }];
  return [
    ...nodeIps.map((address) => ({ type: "InternalIP", address })),
    ...external,
    { type: "Hostname", address: nodeName },
  ];
}

function nodeInfoOf({ host, version, kubeletVersion }: NodeStatusInput): NodeSystemInfo {
  const runtime = version === undefined ? "unknown://" : `${version.runtimeName}://${version.runtimeVersion}`;
  return {
    machineID: host.machineId,
    systemUUID: host.systemUuid,
    bootID: host.bootId,
    kernelVersion: host.kernelVersion,
    osImage: host.osImage,
    containerRuntimeVersion: runtime,
    kubeletVersion,
    // A required field of the API that nobody fills any more.
    kubeProxyVersion: "",
    operatingSystem: "linux",
    architecture: host.architecture,
    swap: { capacity: host.swapBytes },
  };
}
