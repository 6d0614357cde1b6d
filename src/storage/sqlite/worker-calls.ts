import { withoutPrevious } from "../storage-event.ts";
import { applyTxn, checkCompaction, checkWatchStart, endLease, leaseNotFound, readRange } from "../apply-txn.ts";
import type { LeaseTimers } from "../lease-timers.ts";
import type { LeaseId, StorageEvent, WatchRequest } from "../storage.ts";
import type { WatchStart } from "../watch-hub.ts";
import type { VersionTable } from "../version-table.ts";
import type { WorkerCall } from "./worker-protocol.ts";

/** What one call gives back, and the changes it made. */
export interface CallOutcome {
  readonly value: unknown;
  readonly events?: readonly StorageEvent[];
}

/** The worker's calls over one table. */
export interface Calls {
  /** Whether a call changes nothing, so that it needs no transaction. */
  isRead(call: WorkerCall): boolean;
  answer(call: WorkerCall): CallOutcome;
  /** Ends a lease whose time is over. */
  expire(lease: LeaseId): readonly StorageEvent[];
  /** Returns events without what no watch has asked for: copying previous values to the main thread is not free. */
  forWatches(events: readonly StorageEvent[]): readonly StorageEvent[];
}

/** Returns the calls over `table`; `timers` is told of every lease. */
export function createCalls(table: VersionTable, timers: LeaseTimers): Calls {
  const startLease = (id: LeaseId, ttlMs: number): CallOutcome => {
    table.putLease({ id, ttlMs, deadline: Date.now() + ttlMs });
    timers.start(id, ttlMs);
    return { value: id };
  };
  let previousIsWanted = false;
  const answer = (call: WorkerCall): CallOutcome => {
    switch (call.method) {
      case "range":
        return { value: readRange(table, call.request) };
      case "txn": {
        const { response, events } = applyTxn(table, call.request);
        return { value: response, events };
      }
      case "history":
        previousIsWanted ||= call.request.previous ?? false;
        return { value: historyOf(table, call.request) };
      case "compact":
        checkCompaction(table, call.revision);
        table.compact(call.revision);
        return { value: undefined };
      case "grantLease":
        return startLease(table.nextLeaseId(), call.ttlSeconds * 1000);
      case "keepLeaseAlive":
        return startLease(call.lease, grantedTtl(table, call.lease));
      case "revokeLease":
        if (!table.hasLease(call.lease)) throw leaseNotFound(call.lease);
        timers.stop(call.lease);
        return { value: undefined, events: endLease(table, call.lease) };
      case "status":
        return {
          value: { revision: table.revision, compactRevision: table.compactRevision, sizeBytes: table.sizeBytes() },
        };
      default:
        return { value: call.method satisfies "close" };
    }
  };
  return {
    isRead: ({ method }) => READS.has(method),
    answer,
    expire: (lease) => endLease(table, lease),
    forWatches: (events) => (previousIsWanted ? events : events.map(withoutPrevious)),
  };
}

const READS: ReadonlySet<WorkerCall["method"]> = new Set(["range", "history", "status", "close"]);

function historyOf(table: VersionTable, request: WatchRequest): WatchStart {
  const { revision } = table;
  if (request.startRevision === undefined) return { revision, events: [] };
  checkWatchStart(table, request.startRevision);
  return { revision, events: table.changesAfter(request.startRevision - 1, request, request.previous ?? false) };
}

function grantedTtl(table: VersionTable, lease: LeaseId): number {
  const granted = table.leases().find(({ id }) => id === lease);
  if (granted === undefined) throw leaseNotFound(lease);
  return granted.ttlMs;
}
