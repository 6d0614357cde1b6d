/** One layer to unpack, as it is sent to an unpacker process. */
export interface UnpackJob {
  /** The compressed layer: a file whose digest was checked. */
  readonly blobPath: string;
  /** Empty directory that becomes the layer's root. */
  readonly directory: string;
  /** What the uncompressed layer must hash to. */
  readonly diffId: string;
  /** Most bytes that the layer may have uncompressed. */
  readonly maxBytes: number;
  readonly maxInodes: number;
}

/** What an unpacked and synced layer came to. */
export interface UnpackedLayer {
  /** Bytes of its files. */
  readonly bytes: number;
  readonly inodes: number;
  /** Directories that the layer does not mention itself, as byte strings: their attributes are those of the layers below. */
  readonly implicitDirectories: readonly string[];
  /** Whether the layer hides all layers below it. */
  readonly isOpaque: boolean;
}

/** What an unpacker process answers to a job. */
export type UnpackAnswer =
  | { readonly kind: "unpacked"; readonly layer: UnpackedLayer }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
