import { availableParallelism } from "node:os";
import { join } from "node:path";

import { KeyedMutex } from "../base/keyed-mutex.ts";
import type { Logger } from "../base/log.ts";
import { openLocalContentStore } from "../content/local-content-store.ts";
import type { ImageAdministration } from "../cri/image-administration.ts";
import type { ImageService, PullTraceService } from "../cri/image-service.ts";
import type { ImageSpec } from "../cri/image-spec.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { hostPlatform, type Platform } from "../oci/platform.ts";
import type { Hosts } from "../registry/endpoint.ts";
import { createRegistryClient } from "../registry/registry-client.ts";
import { createTransport, type TransportOptions } from "../registry/transport.ts";
import { openOverlaySnapshotter } from "../snapshots/overlayfs/overlay-snapshotter.ts";
import type { Snapshotter } from "../snapshots/snapshotter.ts";
import { createUnpackerPool } from "../snapshots/unpack/unpacker-pool.ts";
import { PullTraceLog } from "../trace/pull-trace-recorder.ts";
import { ActiveLeases } from "./active-leases.ts";
import { administerImages } from "./administer-images.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { ImageContext } from "./image-context.ts";
import { imageFsInfo } from "./image-fs-info.ts";
import { openImageRecords } from "./image-records.ts";
import { imageStatus } from "./image-status.ts";
import { listImages } from "./list-images.ts";
import { loadDirectory } from "./load-directory.ts";
import { pullImage } from "./pull-image.ts";
import { removeImage } from "./remove-image.ts";
import { type ResolvedImage, resolveImage } from "./resolve-image.ts";

export interface ImageServiceOptions {
  /** Directory for blobs (`content/`) and layers (`snapshots/`); only this process uses it. */
  readonly root: string;
  /** The engine's database; stays the caller's. */
  readonly metadata: Metadata;
  readonly logger: Logger;
  readonly platform?: Platform;
  readonly hosts?: Hosts;
  readonly transport?: TransportOptions;
  /** Layers unpacked at the same time; one for each processor by default. */
  readonly unpackers?: number;
  /** Whether images survive a power cut once they are pulled; true by default. */
  readonly isDurable?: boolean;
}

/** The node's images: CRI's image service, the traces of pulls, and what containers need. Disposing it ends its processes. */
export interface NodeImages extends ImageService, PullTraceService, AsyncDisposable {
  /** Returns the image that a spec names, or undefined where the node lacks it or a part of it. */
  resolveImage(spec: ImageSpec): Promise<ResolvedImage | undefined>;
  readonly snapshotter: Snapshotter;
  /** Returns what administrators do with these images. `inUse` tells the ids of images that containers are made from. */
  administer(inUse: () => Promise<ReadonlySet<string>>): ImageAdministration;
  /** Loads the archives that a directory holds; see `loadDirectory`. */
  loadDirectory(directory: string, signal?: AbortSignal): Promise<void>;
}

/** Opens the images in a directory, and removes what is left there of nobody's. */
export async function createImageService(options: ImageServiceOptions): Promise<NodeImages> {
  const durability = { isDurable: options.isDurable ?? true };
  const transport = createTransport(options.transport);
  const unpacker = createUnpackerPool({ size: options.unpackers ?? availableParallelism() });
  const context: ImageContext = {
    root: options.root,
    records: openImageRecords(options.metadata),
    content: await openLocalContentStore(join(options.root, "content"), durability),
    snapshotter: await openOverlaySnapshotter(join(options.root, "snapshots"), durability),
    unpacker,
    registry: createRegistryClient({ transport, ...(options.hosts === undefined ? {} : { hosts: options.hosts }) }),
    traces: new PullTraceLog(),
    leases: new ActiveLeases(),
    mutex: new KeyedMutex(),
    platform: options.platform ?? hostPlatform(),
    logger: options.logger,
  };
  await collectGarbage(context);
  return {
    listImages: (filter) => listImages(context, filter),
    imageStatus: (spec) => imageStatus(context, spec),
    pullImage: (request, signal) => pullImage(context, request, signal),
    removeImage: (spec) => removeImage(context, spec),
    imageFsInfo: () => imageFsInfo(context),
    pullTrace: (pullId) => Promise.resolve(context.traces.find(pullId)),
    resolveImage: (spec) => resolveImage(context, spec),
    snapshotter: context.snapshotter,
    administer: (inUse) => administerImages(context, inUse),
    loadDirectory: (directory, signal) => loadDirectory(context, directory, signal),
    [Symbol.asyncDispose]: async () => {
      await transport[Symbol.asyncDispose]();
      await unpacker[Symbol.asyncDispose]();
    },
  };
}
