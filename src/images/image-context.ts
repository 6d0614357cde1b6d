import type { KeyedMutex } from "../base/keyed-mutex.ts";
import type { Logger } from "../base/log.ts";
import type { ContentStore } from "../content/content-store.ts";
import type { Platform } from "../oci/platform.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import type { Unpacker } from "../snapshots/unpack/unpacker-pool.ts";
import type { PullTraceLog } from "../trace/pull-trace-recorder.ts";
import type { ImageRecords } from "./image-records.ts";
import type { ActiveLeases } from "./active-leases.ts";

/** What the verbs of the image service work on. */
export interface ImageContext {
  readonly root: string;
  readonly records: ImageRecords;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly unpacker: Unpacker;
  readonly registry: RegistryClient;
  readonly traces: PullTraceLog;
  readonly leases: ActiveLeases;
  /** One unpacking of a layer, one garbage collection at a time. */
  readonly mutex: KeyedMutex;
  readonly platform: Platform;
  readonly logger: Logger;
}
