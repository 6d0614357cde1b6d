import type { ContainerConfig, ContainerState, PodSandboxConfig } from "../cri/runtime-service.ts";
import type { NamespacePins } from "../linux/namespaces.ts";
import type { PodAddresses } from "../network/pod-network.ts";
import type { ContainerProcesses } from "../runtime/container-runtime.ts";

/** Version of the records' shape. */
export const RECORD_VERSION = 1;

/** What the engine's database keeps of a sandbox. Written before what it tells of is made. */
export interface SandboxRecord {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly runtimeHandler: string;
  /** `CREATING` from the record's writing until the network is up. */
  readonly state: "CREATING" | "READY" | "NOTREADY";
  /** Milliseconds since the epoch, as all times here. */
  readonly createdAt: number;
  readonly pins: NamespacePins;
  /** Absent on the host's network, and until addresses are given. */
  readonly addresses?: PodAddresses;
  /** Boot in which its namespaces were made; they are gone in any other. */
  readonly bootId: string;
  /** Absolute in the cgroup hierarchies. */
  readonly cgroupPath: string;
}

/** What the engine's database keeps of a container. */
export interface ContainerRecord {
  readonly id: string;
  readonly podSandboxId: string;
  readonly config: ContainerConfig;
  readonly state: Exclude<ContainerState, "CONTAINER_UNKNOWN">;
  readonly image: ContainerRecordImage;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly logPath: string;
  readonly stopSignal: number;
  readonly user?: ContainerUser;
  /** Absent until the container is created. */
  readonly processes?: ContainerProcesses;
  readonly cgroupPath: string;
}

export interface ContainerRecordImage {
  /** Id of the image config. */
  readonly id: string;
  readonly repoDigest?: string | undefined;
}

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  readonly supplementalGroups: readonly number[];
}
