import type { PullTrace } from "../trace/pull-trace.ts";
import type { AuthConfig } from "./image-service.ts";

/**
 * `berth.images.v1`: what an administrator does with the images of one node, beside the CRI calls of the kubelet. Images
 * are named in any spelling of a reference, or by id. Errors are `CriError`.
 */
export interface ImageAdministration {
  /**
   * Pulls an image and keeps it until somebody removes it. Yields the trace of the pull as it grows, at most a few times a
   * second, last of all the finished one; then throws where the pull failed.
   */
  pull(request: PullRequest, signal?: AbortSignal): AsyncIterable<PullTrace>;
  list(): Promise<ListedImage[]>;
  /** Throws `NOT_FOUND`. */
  inspect(image: string): Promise<ImageDetails>;
  /** Gives an image another name, taking it from the image that had it; returns the name. Throws `NOT_FOUND`, `INVALID_ARGUMENT`. */
  tag(image: string, name: string): Promise<string>;
  /** Pushes an image to where its name says. Yields what is done so far; throws where the push failed. */
  push(request: PushRequest, signal?: AbortSignal): AsyncIterable<PushProgress>;
  /**
   * Removes one name; with the last name, or by id, the image. An id whose image has several names needs `force`.
   * Throws `NOT_FOUND`, `FAILED_PRECONDITION`.
   */
  remove(image: string, options: { readonly force: boolean }): Promise<RemovedImage>;
  /** Removes the images that no container uses; those an administrator loaded or pulled only with `all`. */
  prune(options: { readonly all: boolean }): Promise<PruneReport>;
  /** Yields an archive of images that is an OCI image layout and a docker archive at once. Throws `NOT_FOUND` before its first byte. */
  save(images: readonly string[], signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /** Takes up the images of an archive (OCI image layout or docker archive, plain, gzip or zstd) and keeps them until somebody removes them. */
  load(archive: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<LoadedImage[]>;
  diskUsage(): Promise<DiskUsage>;
  /** Reads every blob and compares it with its digest; with `repair` what is wrong is dropped and pulled again. */
  check(options: { readonly repair: boolean }, signal?: AbortSignal): Promise<CheckReport>;
}

export interface PullRequest {
  readonly image: string;
  /** `os/architecture[/variant]`; the node's own where absent. */
  readonly platform?: string | undefined;
  /** Fetches the image's other platforms too, to be saved or pushed; only one platform is unpacked. */
  readonly allPlatforms?: boolean | undefined;
  readonly auth?: AuthConfig | undefined;
}

export interface PushRequest {
  readonly image: string;
  readonly auth?: AuthConfig | undefined;
}

/** How far a push has come. */
export interface PushProgress {
  readonly image: string;
  readonly blobs: readonly PushedBlob[];
  /** Digest of the manifest, once it is there: the push is done. */
  readonly digest?: string;
}

export interface PushedBlob {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  readonly state: "waiting" | "pushing" | "pushed" | "mounted" | "present";
}

export interface ListedImage {
  /** `sha256:…` of the config. */
  readonly id: string;
  readonly names: readonly string[];
  readonly repoDigests: readonly string[];
  readonly platform: string;
  /** RFC 3339, as the image says; absent where it does not. */
  readonly created?: string;
  /** Compressed bytes. */
  readonly size: number;
  /** Kept until somebody removes it: an administrator loaded or pulled it. */
  readonly preloaded: boolean;
}

export interface ImageDetails extends ListedImage {
  /** Digest of what the name led to: a manifest or an index. */
  readonly target: string;
  /** Lowest first. */
  readonly layers: readonly { readonly digest: string; readonly size: number; readonly diffId: string }[];
  /** The image config as it is stored, parsed. */
  readonly config: unknown;
}

export interface RemovedImage {
  readonly names: readonly string[];
  /** Absent where the image has other names left. */
  readonly id?: string;
}

export interface PruneReport {
  readonly ids: readonly string[];
  /** Bytes freed. */
  readonly bytes: number;
}

export interface LoadedImage {
  readonly id: string;
  readonly names: readonly string[];
}

export interface DiskUsage {
  readonly images: readonly ImageUsage[];
  /** Bytes of all blobs. */
  readonly contentBytes: number;
  /** Bytes of all unpacked layers. */
  readonly layerBytes: number;
  /** Bytes that containers wrote. */
  readonly containerBytes: number;
}

export interface ImageUsage {
  readonly id: string;
  readonly names: readonly string[];
  /** Compressed bytes, and those among them that another image has too. */
  readonly size: number;
  readonly sharedSize: number;
  /** Bytes of its unpacked layers. */
  readonly unpackedSize: number;
}

export interface CheckReport {
  readonly blobs: number;
  /** Bytes read. */
  readonly bytes: number;
  readonly problems: readonly CheckProblem[];
}

export interface CheckProblem {
  readonly id: string;
  readonly names: readonly string[];
  /** What is wrong, one sentence each. */
  readonly faults: readonly string[];
  readonly repaired: boolean;
  /** Why it could not be repaired. */
  readonly reason?: string;
}
