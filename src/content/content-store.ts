import type { FileHandle } from "node:fs/promises";

import type { Digest } from "../oci/digest.ts";

/**
 * A content-addressed blob store. A blob is there under its digest only when all of it is, checked and synced.
 * Every implementation passes `content-store.suite.ts`. Errors are `ContentError` or those of the file system.
 */
export interface ContentStore {
  /** Returns size and place, or undefined where the store lacks the blob. */
  stat(digest: Digest): Promise<BlobInfo | undefined>;

  /** Returns the blob. Throws `BLOB_UNKNOWN` where the store lacks it, `BLOB_TOO_LARGE` past `maxBytes`. */
  read(digest: Digest, maxBytes: number): Promise<Uint8Array>;

  /** Opens the blob for reading; the caller closes it. Throws `BLOB_UNKNOWN`. */
  open(digest: Digest): Promise<FileHandle>;

  /** Returns where a blob is, or would be. */
  pathsOf(digest: Digest): BlobPaths;

  /**
   * Makes the blob present: durable when the promise resolves. One ingest at a time for each digest: who comes second
   * finds the blob, or goes on with its own source where the first one failed. Bytes of an ingest that was cut off stay
   * and are continued. Throws `DIGEST_MISMATCH` and `SIZE_MISMATCH` (nothing is kept then), `NO_SPACE`, or what the source throws.
   */
  ingest(request: IngestRequest): Promise<void>;

  /** Returns what is stored, in no particular order. */
  list(): Promise<BlobInfo[]>;

  /** Removes a blob. Removing an absent one is not an error. */
  delete(digest: Digest): Promise<void>;

  /** Removes all blobs and cut-off ingests whose digest is not in `live`, except those being ingested now. Returns the bytes freed. */
  collectGarbage(live: ReadonlySet<Digest>): Promise<number>;
}

export interface BlobInfo {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** The file that holds it. Read only. */
  readonly path: string;
}

export interface BlobPaths {
  /** Where its bytes are while they come, not checked yet. */
  readonly partial: string;
  /** Where all of it is, once it was checked and synced. */
  readonly whole: string;
}

export interface IngestRequest {
  readonly digest: Digest;
  /** Exact size in bytes. */
  readonly size: number;
  /** Returns the blob's bytes from `offset` on. Called at most once, and not at all where nothing is missing. Chunks stay as they are. */
  readonly source: (offset: number, signal: AbortSignal | undefined) => AsyncIterable<Uint8Array>;
  /** Told how many bytes are in the file by now, resumed ones included. */
  readonly onProgress?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}
