import { CodedError } from "../base/coded-error.ts";

/**
 * A versioned key-value store with etcd's model: one revision per transaction, history until compaction, watches that
 * deliver every change once, in order. Every implementation passes `storage.suite.ts`.
 *
 * A transaction that was acknowledged is durable. Keys are text and ordered by their UTF-8 bytes; values are opaque.
 */
export interface Storage extends AsyncDisposable {
  /** Reads keys at one revision. Throws `COMPACTED` or `FUTURE_REVISION` where that revision cannot be read. */
  range(request: RangeRequest): Promise<RangeResponse>;
  /** Applies `success` if every compare holds, else `failure`, atomically and under one new revision. */
  txn(request: TxnRequest): Promise<TxnResponse>;
  /**
   * Streams changes of a key range from `startRevision` (absent: from now). Ends when `signal` aborts; throws `COMPACTED`
   * where the start is no longer kept and `SLOW_WATCHER` when the reader falls too far behind: never skips silently.
   */
  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchBatch>;
  /** Forgets history before `revision`. What is current stays. Throws `COMPACTED` when that was done already. */
  compact(revision: number): Promise<void>;
  /** Grants a lease; its keys are deleted when it is not kept alive for `ttlSeconds`. */
  grantLease(ttlSeconds: number): Promise<LeaseId>;
  /** Starts the lease's time anew. Throws `LEASE_NOT_FOUND`. */
  keepLeaseAlive(lease: LeaseId): Promise<void>;
  /** Ends the lease and deletes its keys. */
  revokeLease(lease: LeaseId): Promise<void>;
  /** A revision at least as new as every transaction acknowledged before the call: what a consistent read waits for. */
  revision(): Promise<number>;
  status(): Promise<StorageStatus>;
}

/** Names a lease; never used twice in a store. */
export type LeaseId = number;

/** A key as of one revision. */
export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Changes since creation; 1 at creation. */
  readonly version: number;
  readonly lease?: LeaseId;
}

/** One key, or the keys of a half-open interval. */
export interface KeyRange {
  readonly key: string;
  /** Exclusive end; absent for the one key. `prefixRange` makes both. */
  readonly rangeEnd?: string;
}

/** What to read, and as of when. */
export interface RangeRequest extends KeyRange {
  /** Reads as of this revision; absent: the newest. */
  readonly revision?: number;
  readonly limit?: number;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

/** The keys found, in order. */
export interface RangeResponse {
  /** The store's revision when the read happened. */
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  /** Whether `limit` cut the answer. */
  readonly more: boolean;
  /** Keys in the range, whatever `limit`. */
  readonly count: number;
}

/** A condition of a transaction. Holds when the key's last change is at `modRevision`; 0 means the key is absent. */
export interface Compare {
  readonly key: string;
  readonly modRevision: number;
}

/** One step of a transaction. */
export type Operation =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly lease?: LeaseId }
  | ({ readonly kind: "delete" } & KeyRange)
  | ({ readonly kind: "range" } & RangeRequest);

/** An atomic step of the store: conditions and the operations for either outcome. */
export interface TxnRequest {
  readonly compares: readonly Compare[];
  /** A transaction changes each key at most once. */
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** The outcome of the operation at the same index. */
export type OperationResponse =
  | { readonly kind: "put" }
  | { readonly kind: "delete"; readonly deleted: readonly KeyValue[] }
  | ({ readonly kind: "range" } & RangeResponse);

/** The outcome of a transaction. */
export interface TxnResponse {
  readonly succeeded: boolean;
  /** The transaction's own revision where it changed anything, else the store's. */
  readonly revision: number;
  readonly responses: readonly OperationResponse[];
}

/** Which changes to stream, and from when. */
export interface WatchRequest extends KeyRange {
  readonly startRevision?: number;
  /** Adds the value before each change. */
  readonly previous?: boolean;
  /** Sends empty batches now and then: everything up to `revision` has been delivered. */
  readonly progress?: boolean;
}

/** Changes in revision order; a revision is never split over two batches. */
export interface WatchBatch {
  /** All events up to this revision have been delivered with this batch. */
  readonly revision: number;
  readonly events: readonly StorageEvent[];
}

/** One change of one key. */
export type StorageEvent =
  | { readonly type: "put"; readonly kv: KeyValue; readonly previous?: KeyValue }
  | { readonly type: "delete"; readonly key: string; readonly modRevision: number; readonly previous?: KeyValue };

/** Facts about the store as a whole. */
export interface StorageStatus {
  readonly revision: number;
  readonly compactRevision: number;
  readonly sizeBytes: number;
}

/** What can go wrong in a store. */
export type StorageErrorCode =
  | "CLOSED"
  | "DUPLICATE_KEY"
  | "COMPACTED"
  | "CORRUPT"
  | "FUTURE_REVISION"
  | "LEASE_NOT_FOUND"
  | "NO_SPACE"
  | "SLOW_WATCHER"
  | "UNAVAILABLE";

/** The error of the storage room. */
export class StorageError extends CodedError<StorageErrorCode> {}

/** Returns the range of all keys that start with `prefix`. */
export function prefixRange(prefix: string): { readonly key: string; readonly rangeEnd: string } {
  // Keys are ASCII paths in practice; the last code unit plus one ends the range in UTF-8 order too.
  const last = prefix.charCodeAt(prefix.length - 1);
  return { key: prefix, rangeEnd: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}
