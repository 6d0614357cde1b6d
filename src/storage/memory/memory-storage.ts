import { applyTxn, checkCompaction, checkWatchStart, endLease, leaseNotFound, readRange } from "../apply-txn.ts";
import { LeaseTimers } from "../lease-timers.ts";
import {
  type LeaseId,
  type RangeRequest,
  type RangeResponse,
  type Storage,
  StorageError,
  type StorageStatus,
  type TxnRequest,
  type TxnResponse,
  type WatchBatch,
  type WatchRequest,
} from "../storage.ts";
import { WatchHub } from "../watch-hub.ts";
import { MemoryTable } from "./memory-table.ts";

/** A store that lives and dies with the process: for tests and for clusters nobody wants to keep. */
export class MemoryStorage implements Storage {
  readonly #table = new MemoryTable();
  readonly #hub: WatchHub;
  readonly #timers = new LeaseTimers((lease) => this.#endLease(lease));
  #closed = false;

  constructor(options: { readonly watchCapacity?: number } = {}) {
    this.#hub = new WatchHub(options.watchCapacity);
  }

  async range(request: RangeRequest): Promise<RangeResponse> {
    return await this.#run(() => readRange(this.#table, request));
  }

  async txn(request: TxnRequest): Promise<TxnResponse> {
    return await this.#run(() => {
      const { response, events } = applyTxn(this.#table, request);
      if (events.length > 0) this.#hub.publish(response.revision, events);
      return response;
    });
  }

  watch(request: WatchRequest, signal: AbortSignal): AsyncIterable<WatchBatch> {
    const { revision } = this.#table;
    const history = () =>
      this.#run(() => {
        const start = request.startRevision ?? revision + 1;
        checkWatchStart(this.#table, start);
        return { revision, events: this.#table.changesAfter(start - 1, request, request.previous ?? false) };
      });
    return this.#hub.watch(request, history, signal);
  }

  async compact(revision: number): Promise<void> {
    await this.#run(() => {
      checkCompaction(this.#table, revision);
      this.#table.compact(revision);
    });
  }

  async grantLease(ttlSeconds: number): Promise<LeaseId> {
    return await this.#run(() => {
      const id = this.#table.nextLeaseId();
      this.#startLease(id, ttlSeconds * 1000);
      return id;
    });
  }

  async keepLeaseAlive(lease: LeaseId): Promise<void> {
    await this.#run(() => {
      const granted = this.#table.leases().find(({ id }) => id === lease);
      if (granted === undefined) throw leaseNotFound(lease);
      this.#startLease(lease, granted.ttlMs);
    });
  }

  async revokeLease(lease: LeaseId): Promise<void> {
    await this.#run(() => {
      if (!this.#table.hasLease(lease)) throw leaseNotFound(lease);
      this.#timers.stop(lease);
      this.#endLease(lease);
    });
  }

  async revision(): Promise<number> {
    return await this.#run(() => this.#table.revision);
  }

  async status(): Promise<StorageStatus> {
    const table = this.#table;
    return await this.#run(() => ({
      revision: table.revision,
      compactRevision: table.compactRevision,
      sizeBytes: table.sizeBytes(),
    }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timers.close();
    this.#hub.close();
    return Promise.resolve();
  }

  #startLease(id: LeaseId, ttlMs: number): void {
    this.#table.putLease({ id, ttlMs, deadline: Date.now() + ttlMs });
    this.#timers.start(id, ttlMs);
  }

  #endLease(lease: LeaseId): void {
    const events = endLease(this.#table, lease);
    if (events.length > 0) this.#hub.publish(this.#table.revision, events);
  }

  // Turns a throw into a rejection, as with a store that answers from elsewhere.
  #run<T>(task: () => T): Promise<T> {
    return new Promise((resolve) => {
      if (this.#closed) throw new StorageError("CLOSED", "Cannot use the store: it is closed");
      resolve(task());
    });
  }
}
