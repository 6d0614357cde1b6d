/** One layer to unpack, as it is sent to an unpacker process. */
export interface UnpackJob {
  /** The compressed layer. Its digest need not be checked yet: nothing is committed before it is. */
  readonly blobPath: string;
  /** Where the blob is until it is whole; from then on it is at `blobPath`. */
  readonly partialPath?: string;
  /** Bytes of the whole blob; that of the file by default. */
  readonly blobBytes?: number;
  /** Empty directory that becomes the layer's root. */
  readonly directory: string;
  /** What the uncompressed layer must hash to. */
  readonly diffId: string;
  /** Most bytes that the layer may have uncompressed. */
  readonly maxBytes: number;
  readonly maxInodes: number;
}

/** What an unpacked layer came to. */
export interface UnpackedLayer {
  /** Bytes of its files. */
  readonly bytes: number;
  readonly inodes: number;
  /** Directories that the layer does not mention itself, as byte strings: their attributes are those of the layers below. */
  readonly implicitDirectories: readonly string[];
  /** Whether the layer hides all layers below it. */
  readonly isOpaque: boolean;
}

/** What an unpacker process is told. */
export type UnpackerOrder =
  | { readonly kind: "unpack"; readonly id: number; readonly job: UnpackJob; readonly available: number }
  /** So many bytes of the blob of job `id` can be read by now. */
  | { readonly kind: "available"; readonly id: number; readonly bytes: number };

/** What an unpacker process says: one answer to each job, and before it any number of times that it waits for bytes. */
export type UnpackerReply = UnpackAnswer | { readonly kind: "starving"; readonly at: number };

/** How a job ended. */
export type UnpackAnswer =
  | { readonly kind: "unpacked"; readonly layer: UnpackedLayer }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };
