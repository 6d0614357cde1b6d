import type { Digest } from "../oci/digest.ts";
import type { SnapshotMount } from "./mount-snapshot.ts";
import type { UnpackedLayer } from "./unpack/unpack-job.ts";

/**
 * The file systems of images and containers. A committed snapshot is one layer on top of its parent, named by its ChainID;
 * it never changes. A rootfs is a writable file system on top of a committed snapshot, named by its owner's key.
 * Every implementation passes `snapshotter.suite.ts`. Errors are `SnapshotError` or those of the file system.
 */
export interface Snapshotter {
  /** Returns the committed snapshot, or undefined. Committed means: all of it is there and synced. */
  stat(chainId: Digest): SnapshotInfo | undefined;

  list(): SnapshotInfo[];

  /**
   * Begins the snapshot of a layer: an empty directory to unpack it into. Its parent need not be committed yet. What is not
   * committed goes when the result is disposed, or with the next start.
   */
  prepare(chainId: Digest, parent: Digest | undefined): Promise<ActiveSnapshot>;

  /** Removes a committed snapshot. Throws `SNAPSHOT_IN_USE` while another or a rootfs lies on it; absent is not an error. */
  remove(chainId: Digest): Promise<void>;

  /**
   * Makes the writable file system `key` on top of a snapshot (of nothing, for an image without layers) and returns how to
   * mount it; the same one again where it exists. Throws `SNAPSHOT_UNKNOWN`.
   */
  prepareRootfs(key: string, chainId: Digest | undefined): Promise<SnapshotMount>;

  /** Removes the file system `key` with all that was written to it; it must not be mounted. Absent is not an error. */
  removeRootfs(key: string): Promise<void>;

  /** Returns the keys of the writable file systems there are. */
  listRootfs(): Promise<string[]>;

  /** Returns what was written to the file system `key`; zeros where it is absent. */
  rootfsUsage(key: string): Promise<SnapshotUsage>;

  /** Removes committed snapshots that are neither in `live`, nor below one that is, nor below a rootfs. Returns the bytes freed. */
  collectGarbage(live: ReadonlySet<Digest>): Promise<number>;
}

export interface SnapshotUsage {
  readonly bytes: number;
  readonly inodes: number;
}

export interface SnapshotInfo extends SnapshotUsage {
  readonly chainId: Digest;
  readonly parent?: Digest;
}

/** A snapshot that is being written. */
export interface ActiveSnapshot extends AsyncDisposable {
  /** Empty at first; the layer's root, without what lies below it. */
  readonly directory: string;

  /** Makes durable what was written into the directory until now; snapshots that do so at the same time share the work. */
  sync(): Promise<void>;

  /**
   * Makes the snapshot permanent and visible: durable when the promise resolves, synced here where that was not done
   * before. Its parent must be committed. Where another one of the same ChainID was committed meanwhile, that one stays
   * and this one goes.
   */
  commit(layer: UnpackedLayer): Promise<void>;
}
