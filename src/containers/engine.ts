import type { KeyedMutex } from "../base/keyed-mutex.ts";
import type { Logger } from "../base/log.ts";
import type { PodNetwork } from "../network/pod-network.ts";
import type { ContainerProcesses, ContainerRuntime } from "../runtime/container-runtime.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import type { ContainerImages } from "./container-images.ts";
import type { ContainerRecord, SandboxRecord } from "./engine-records.ts";
import type { EventHub } from "./event-hub.ts";
import type { RecordStore } from "./record-store.ts";

/** What containers use of a snapshotter. */
export type RootfsSnapshotter = Pick<Snapshotter, "prepareRootfs" | "removeRootfs" | "listRootfs" | "rootfsUsage">;

/** What every verb works on. */
export interface Engine {
  readonly sandboxes: RecordStore<SandboxRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  readonly events: EventHub;
  readonly runtime: ContainerRuntime;
  readonly network: PodNetwork;
  readonly images: ContainerImages;
  readonly snapshotter: RootfsSnapshotter;
  /** Directory of the sandboxes' files and pinned namespaces. */
  readonly sandboxesDir: string;
  /** Everything of this cluster is below it in the cgroup hierarchies. */
  readonly cgroupRoot: string;
  /** One change of a container at a time. */
  readonly locks: KeyedMutex;
  /** Containers that the OCI runtime is creating; `startContainer` waits for them and reports what they throw. */
  readonly creating: Map<string, Promise<ContainerProcesses>>;
  /** Containers whose start is being asked for; an exit is told after it. */
  readonly starting: Map<string, Promise<void>>;
  /** Who waits for a container to end. */
  readonly exits: Map<string, PromiseWithResolvers<void>>;
  /** Keeps the range of this node's pods over restarts. */
  readonly savePodCidr: (podCidr: string) => Promise<void>;
  readonly logger: Logger;
}
