import type { Metadata, Records } from "../metadata/metadata.ts";
import type { Digest } from "../oci/digest.ts";

/** A blob that an image consists of. */
export interface BlobRecord {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** An image that was pulled, by the digest of its config. */
export interface ImageRecord {
  readonly config: BlobRecord;
  /** The manifest, and the indexes that led to it. */
  readonly documents: readonly BlobRecord[];
  /** Lowest first. */
  readonly layers: readonly BlobRecord[];
  /** Names the snapshot of all layers; absent where there are none. */
  readonly chainId?: Digest;
  /** `User` of the config. */
  readonly user: string;
  readonly pinned: boolean;
  /** An administrator loaded or pulled it: it stays until somebody removes it. */
  readonly preloaded?: boolean;
  /** Blobs of the image's other platforms that were fetched too, and their documents. */
  readonly others?: readonly BlobRecord[];
}

/** Returns every blob that is kept for an image. */
export function blobsOf({ config, documents, layers, others = [] }: ImageRecord): readonly BlobRecord[] {
  return [config, ...documents, ...layers, ...others];
}

/** What a name, `repository:tag` or `repository@digest`, stands for. */
interface NameRecord {
  /** Digest of the config. */
  readonly imageId: Digest;
  /** Digest of the manifest or index that the name led to. */
  readonly target: Digest;
}

/** A pull that has begun: what it fetched is kept for its next try. */
export interface LeaseRecord {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly digests: readonly Digest[];
  readonly chainIds: readonly Digest[];
}

/** An archive of the node's own directory that was loaded. */
interface ArchiveRecord {
  /** Changes with the file's content. */
  readonly version: string;
}

/** The collections of this room in the engine's database. */
export interface ImageRecords {
  readonly metadata: Metadata;
  readonly images: Records<ImageRecord>;
  readonly names: Records<NameRecord>;
  readonly leases: Records<LeaseRecord>;
  /** By path. */
  readonly archives: Records<ArchiveRecord>;
}

export function openImageRecords(metadata: Metadata): ImageRecords {
  return {
    metadata,
    images: metadata.records<ImageRecord>("images", 1),
    names: metadata.records<NameRecord>("image-names", 1),
    leases: metadata.records<LeaseRecord>("image-leases", 1),
    archives: metadata.records<ArchiveRecord>("image-archives", 1),
  };
}
