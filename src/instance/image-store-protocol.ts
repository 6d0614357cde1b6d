import type { InstancePaths } from "./instance-paths.ts";

/** Argument of the process that owns a cluster's images while no node runs. */
export interface ImageStoreOrder {
  readonly paths: InstancePaths;
  /** Where it is to serve `berth.images.v1`. */
  readonly socketPath: string;
}

/** What that process says of itself. */
export type ImageStoreMessage =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string; readonly hint?: string | undefined };
