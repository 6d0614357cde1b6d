import type { LeaseId, RangeRequest, StorageErrorCode, StorageEvent, TxnRequest, WatchRequest } from "../storage.ts";

/** What the worker is started with. */
export interface WorkerOptions {
  readonly path: string;
}

/** One call; `id` comes back with its answer. */
export interface WorkerRequest {
  readonly id: number;
  readonly call: WorkerCall;
}

/** The calls that the worker knows. */
export type WorkerCall =
  | { readonly method: "range"; readonly request: RangeRequest }
  | { readonly method: "txn"; readonly request: TxnRequest }
  | { readonly method: "history"; readonly request: WatchRequest }
  | { readonly method: "compact"; readonly revision: number }
  | { readonly method: "grantLease"; readonly ttlSeconds: number }
  | { readonly method: "keepLeaseAlive"; readonly lease: LeaseId }
  | { readonly method: "revokeLease"; readonly lease: LeaseId }
  | { readonly method: "status" }
  | { readonly method: "close" };

/** What the worker says: the answers of one committed batch and the changes it made, in order. */
export interface WorkerMessage {
  readonly revision: number;
  readonly events: readonly StorageEvent[];
  readonly answers: readonly WorkerAnswer[];
}

/** The outcome of one call. */
export type WorkerAnswer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WorkerError };

/** A `StorageError` on its way between threads. */
export interface WorkerError {
  readonly code: StorageErrorCode;
  readonly message: string;
  readonly hint?: string | undefined;
}
