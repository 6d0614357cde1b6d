import type { KeyRange, KeyValue, LeaseId, StorageEvent } from "./storage.ts";

/**
 * The synchronous heart of a store: every version of every key until compaction. `applyTxn` writes it; each
 * implementation of `Storage` keeps one. Revisions begin at 1, the revision of the empty store.
 */
export interface VersionTable {
  readonly revision: number;
  readonly compactRevision: number;
  get(key: string): KeyValue | undefined;
  /** Reads the newest versions, or those as of `revision`. */
  range(query: TableQuery): TableAnswer;
  /** Adds a version; the table's revision becomes its own. */
  put(kv: KeyValue): void;
  /** Marks a key deleted at `revision`. */
  delete(key: string, revision: number): void;
  /** Every change of a range after `revision`, oldest first. */
  changesAfter(revision: number, range: KeyRange, previous: boolean): StorageEvent[];
  compact(revision: number): void;
  hasLease(lease: LeaseId): boolean;
  /** Stores a lease anew or replaces its deadline. Returns its id. */
  putLease(lease: LeaseDeadline): void;
  nextLeaseId(): LeaseId;
  deleteLease(lease: LeaseId): void;
  leases(): LeaseDeadline[];
  keysOfLease(lease: LeaseId): string[];
  sizeBytes(): number;
}

/** A lease and when it ends, in wall-clock milliseconds. */
export interface LeaseDeadline {
  readonly id: LeaseId;
  readonly ttlMs: number;
  readonly deadline: number;
}

/** A read of a range, `revision` being one that the table still keeps. */
export interface TableQuery extends KeyRange {
  readonly revision?: number | undefined;
  readonly limit?: number | undefined;
  readonly keysOnly?: boolean | undefined;
  readonly countOnly?: boolean | undefined;
}

/** The rows of a read, and how many keys the range holds. */
export interface TableAnswer {
  readonly kvs: readonly KeyValue[];
  readonly count: number;
}
