import {
  type KeyRange,
  type KeyValue,
  type LeaseId,
  type Operation,
  type OperationResponse,
  type RangeRequest,
  type RangeResponse,
  StorageError,
  type StorageEvent,
  type TxnRequest,
  type TxnResponse,
} from "./storage.ts";
import { isInRange } from "./key-order.ts";
import type { VersionTable } from "./version-table.ts";

/** A transaction's answer and the changes it made, all under one revision. */
export interface AppliedTxn {
  readonly response: TxnResponse;
  readonly events: readonly StorageEvent[];
}

/** Evaluates a transaction against a table. Checks everything that can be refused before it changes anything. */
export function applyTxn(table: VersionTable, request: TxnRequest): AppliedTxn {
  const succeeded = request.compares.every(
    (compare) => (table.get(compare.key)?.modRevision ?? 0) === compare.modRevision,
  );
  const operations = succeeded ? request.success : request.failure;
  checkOperations(table, operations);
  const revision = table.revision + 1;
  const events: StorageEvent[] = [];
  const responses = operations.map((operation) => applyOperation({ table, revision, events }, operation));
  return { response: { succeeded, revision: table.revision, responses }, events };
}

/** Reads a range. Throws `COMPACTED` or `FUTURE_REVISION`. */
export function readRange(table: VersionTable, request: RangeRequest): RangeResponse {
  checkRevision(table, request.revision);
  const { kvs, count } = table.range(request);
  return { revision: table.revision, kvs, count, more: !request.countOnly && kvs.length < count };
}

/** Deletes every key of a lease, and the lease, under one revision. */
export function endLease(table: VersionTable, lease: LeaseId): readonly StorageEvent[] {
  const events: StorageEvent[] = [];
  const revision = table.revision + 1;
  for (const key of table.keysOfLease(lease)) deleteKeys({ table, revision, events }, { key });
  table.deleteLease(lease);
  return events;
}

/** Throws `COMPACTED` where the changes from `startRevision` on are no longer all kept. */
export function checkWatchStart(table: VersionTable, startRevision: number): void {
  // Compaction drops a deletion made at its own revision, so a watch cannot begin there.
  if (startRevision <= table.compactRevision) throw compacted(startRevision, table.compactRevision);
}

/** Throws unless history before `revision` is kept and `revision` has happened. */
export function checkCompaction(table: VersionTable, revision: number): void {
  if (revision <= table.compactRevision) throw compacted(revision, table.compactRevision);
  if (revision > table.revision) throw future(revision, table.revision);
}

interface Application {
  readonly table: VersionTable;
  readonly revision: number;
  readonly events: StorageEvent[];
}

function applyOperation(application: Application, operation: Operation): OperationResponse {
  if (operation.kind === "delete") return { kind: "delete", deleted: deleteKeys(application, operation) };
  if (operation.kind === "range") return { ...readRange(application.table, operation), kind: "range" };
  putKey(application, operation);
  return { kind: "put" };
}

function putKey({ table, revision, events }: Application, operation: Operation & { kind: "put" }): void {
  const previous = table.get(operation.key);
  const kv: KeyValue = {
    key: operation.key,
    value: operation.value,
    createRevision: previous?.createRevision ?? revision,
    modRevision: revision,
    version: (previous?.version ?? 0) + 1,
    ...(operation.lease === undefined ? {} : { lease: operation.lease }),
  };
  table.put(kv);
  events.push({ type: "put", kv, ...(previous === undefined ? {} : { previous }) });
}

function deleteKeys({ table, revision, events }: Application, range: KeyRange): readonly KeyValue[] {
  const { kvs } = table.range({ key: range.key, rangeEnd: range.rangeEnd } as KeyRange);
  for (const previous of kvs) {
    table.delete(previous.key, revision);
    events.push({ type: "delete", key: previous.key, modRevision: revision, previous });
  }
  return kvs;
}

function checkOperations(table: VersionTable, operations: readonly Operation[]): void {
  const puts = new Set<string>();
  for (const operation of operations) {
    if (operation.kind === "range") checkRevision(table, operation.revision);
    if (operation.kind !== "put") continue;
    if (operation.lease !== undefined && !table.hasLease(operation.lease)) throw leaseNotFound(operation.lease);
    if (puts.has(operation.key)) throw duplicateKey(operation.key);
    puts.add(operation.key);
  }
  const deletes = operations.filter((operation) => operation.kind === "delete");
  for (const [index, range] of deletes.entries()) {
    const touched = [...puts].find((key) => isInRange(key, range));
    const overlap = deletes.slice(0, index).find((other) => isInRange(range.key, other) || isInRange(other.key, range));
    if (touched !== undefined || overlap !== undefined) throw duplicateKey(touched ?? range.key);
  }
}

function checkRevision(table: VersionTable, revision: number | undefined): void {
  if (revision === undefined) return;
  if (revision < table.compactRevision) throw compacted(revision, table.compactRevision);
  if (revision > table.revision) throw future(revision, table.revision);
}

/** Returns the error for a lease that ended or never was. */
export function leaseNotFound(lease: LeaseId): StorageError {
  return new StorageError("LEASE_NOT_FOUND", `Cannot use lease "${lease}": it ended or never was`);
}

function duplicateKey(key: string): StorageError {
  return new StorageError("DUPLICATE_KEY", `Cannot change key "${key}": the transaction changes it twice`);
}

function compacted(revision: number, kept: number): StorageError {
  return new StorageError("COMPACTED", `Cannot read revision "${revision}": only ${kept} and later are kept`);
}

function future(revision: number, newest: number): StorageError {
  return new StorageError("FUTURE_REVISION", `Cannot read revision "${revision}": the newest is ${newest}`);
}
