import type { PullTrace } from "../trace/pull-trace.ts";
import type { ImageSpec } from "./image-spec.ts";
import type { PodSandboxConfig } from "./runtime-service.ts";

/** CRI v1 `ImageService`: the images of one node. Errors are `CriError`. */
export interface ImageService {
  /** Lists images; a filter names one image in any spelling of its reference, or its id. */
  listImages(filter?: ImageSpec): Promise<Image[]>;
  /** Returns the image, or undefined where the node lacks it. An image counts as present only when all of it is. */
  imageStatus(image: ImageSpec): Promise<Image | undefined>;
  /**
   * Pulls and unpacks an image and returns its `imageRef`: what `Container.imageRef` and `Image.id` are matched by.
   * One pull makes one attempt with one credential. Safe to repeat; concurrent pulls share what they fetch.
   */
  pullImage(request: PullImageRequest, signal?: AbortSignal): Promise<string>;
  /** Removes an image in all its names. Removing an absent image is not an error. */
  removeImage(image: ImageSpec): Promise<void>;
  imageFsInfo(): Promise<ImageFsInfo>;
}

/** An image on the node. */
export interface Image {
  /** `sha256:…` of the image config. */
  readonly id: string;
  /** Normalised references with tags, e.g. `docker.io/library/busybox:1`. */
  readonly repoTags: readonly string[];
  /** References by manifest digest, e.g. `docker.io/library/busybox@sha256:…`. */
  readonly repoDigests: readonly string[];
  /** Compressed content on disk, in bytes. */
  readonly size: number;
  /** Numeric user of the config, when it is one. */
  readonly uid?: number;
  /** User name of the config, when it is not numeric. */
  readonly username?: string;
  readonly spec: ImageSpec;
  /** Never to be removed by garbage collection. */
  readonly pinned: boolean;
}

export interface PullImageRequest {
  readonly image: ImageSpec;
  readonly auth?: AuthConfig;
  readonly sandboxConfig?: PodSandboxConfig;
  /** Correlates this call with `PullTraceService`; chosen by the caller. */
  readonly pullId?: string;
}

/** One credential. Sent only to the origin it is for: `serverAddress`, or the image's own registry where that is absent. */
export interface AuthConfig {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface FilesystemUsage {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly mountpoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface ImageFsInfo {
  readonly imageFilesystems: readonly FilesystemUsage[];
  readonly containerFilesystems: readonly FilesystemUsage[];
}

/** `berth.images.v1`, our optional second service: what CRI cannot say about pulls. */
export interface PullTraceService {
  /** Returns the trace of a running or recent pull. */
  pullTrace(pullId: string): Promise<PullTrace | undefined>;
}
