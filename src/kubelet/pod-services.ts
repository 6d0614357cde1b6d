import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import type { RestClient } from "../client/rest-client.ts";
import type { RuntimeService } from "../cri/runtime-service.ts";
import type { ObjectReader } from "./container/object-reader.ts";
import type { ImageManager } from "./image-manager/image-manager.ts";
import type { Backoff } from "./backoff.ts";
import type { ContainerKiller } from "./kill-container.ts";
import type { PodDirectories } from "./pod-directories.ts";
import type { PodEvents } from "./pod-events.ts";
import type { DnsSettings } from "./sandbox/dns-config.ts";
import type { ContainerStarterOptions } from "./start-container.ts";
import type { StatusManager } from "./status/status-manager.ts";

/** What all pods of a node share. */
export interface PodServices {
  readonly client: RestClient;
  readonly runtime: RuntimeService;
  readonly statuses: StatusManager;
  readonly imageManager: ImageManager;
  readonly crashBackoff: Backoff;
  readonly starter: ContainerStarterOptions;
  readonly killer: ContainerKiller;
  readonly objects: ObjectReader;
  readonly events: PodEvents;
  readonly directories: PodDirectories;
  readonly dns: DnsSettings;
  readonly node: NodeFacts;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What pods need to know of their node. */
export interface NodeFacts {
  readonly name: string;
  readonly hostIps: readonly string[];
  /** First part of container ids, e.g. `berth`. */
  readonly runtimeName: string;
  readonly memoryBytes: number;
  readonly allocatable: Readonly<Record<string, string>>;
}
