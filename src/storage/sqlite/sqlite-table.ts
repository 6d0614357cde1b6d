import type { DatabaseSync, SQLOutputValue, StatementSync } from "node:sqlite";
import type { KeyRange, KeyValue, LeaseId, StorageEvent } from "../storage.ts";
import type { LeaseDeadline, TableAnswer, TableQuery, VersionTable } from "../version-table.ts";

/** A version table in SQLite. Writes belong inside `transaction`. */
export class SqliteTable implements VersionTable {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #revision = 0;
  #compactRevision = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#load();
  }

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** Opens a transaction; it ends by `commit` or `rollback`. */
  begin(): void {
    this.#database.exec("BEGIN IMMEDIATE");
  }

  /** Makes everything since `begin` durable. */
  commit(): void {
    this.#run("UPDATE store SET revision = ?, compact_revision = ?", this.#revision, this.#compactRevision);
    this.#database.exec("COMMIT");
  }

  /** Takes back everything since `begin`. */
  rollback(): void {
    if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
    this.#load();
  }

  get(key: string): KeyValue | undefined {
    const row = this.#prepare(`SELECT ${COLUMNS} FROM current c JOIN history h ON h.id = c.id WHERE c.key = ?`).get(
      key,
    );
    return row === undefined ? undefined : keyValueOf(row);
  }

  range(query: TableQuery): TableAnswer {
    const old = query.revision !== undefined && query.revision < this.#revision;
    const { clause, values, order } = old ? versionsAsOf(query, query.revision) : newestVersions(query);
    const limit = query.limit === undefined || query.limit === 0 ? -1 : query.limit;
    const columns = query.keysOnly ? KEY_COLUMNS : COLUMNS;
    const kvs = query.countOnly
      ? []
      : this.#prepare(`SELECT ${columns} ${clause} ORDER BY ${order} LIMIT ?`)
          .all(...values, limit)
          .map(keyValueOf);
    const isWhole = !query.countOnly && (limit < 0 || kvs.length < limit);
    return { kvs, count: isWhole ? kvs.length : this.#count(clause, values) };
  }

  put(kv: KeyValue): void {
    const lease = kv.lease ?? null;
    const { lastInsertRowid } = this.#run(
      INSERT,
      kv.key,
      kv.modRevision,
      kv.createRevision,
      kv.version,
      lease,
      kv.value,
    );
    this.#run("INSERT OR REPLACE INTO current (key, id, lease) VALUES (?, ?, ?)", kv.key, lastInsertRowid, lease);
    this.#revision = kv.modRevision;
  }

  delete(key: string, revision: number): void {
    this.#run(INSERT, key, revision, 0, 0, null, null);
    this.#run("DELETE FROM current WHERE key = ?", key);
    this.#revision = revision;
  }

  changesAfter(revision: number, range: KeyRange, previous: boolean): StorageEvent[] {
    const { clause, values } = keyClause(range);
    return this.#prepare(`SELECT ${COLUMNS} FROM history h WHERE h.revision > ? AND ${clause} ORDER BY h.id`)
      .all(revision, ...values)
      .map((row) => this.#eventOf(row, previous));
  }

  compact(revision: number): void {
    // What a read at `revision` finds is kept: each key's newest version at or before it, unless that is a deletion.
    this.#run(
      `DELETE FROM history WHERE revision <= ?1 AND (value IS NULL OR EXISTS (
         SELECT 1 FROM history newer WHERE newer.key = history.key
           AND newer.revision > history.revision AND newer.revision <= ?1))`,
      revision,
    );
    this.#compactRevision = revision;
  }

  hasLease(lease: LeaseId): boolean {
    return this.#prepare("SELECT 1 FROM lease WHERE id = ?").get(lease) !== undefined;
  }

  putLease(lease: LeaseDeadline): void {
    this.#run(
      "INSERT OR REPLACE INTO lease (id, ttl_ms, deadline) VALUES (?, ?, ?)",
      lease.id,
      lease.ttlMs,
      lease.deadline,
    );
  }

  nextLeaseId(): LeaseId {
    const row = this.#prepare("SELECT coalesce(max(seq), 0) + 1 AS id FROM sqlite_sequence WHERE name = 'lease'").get();
    return Number(row?.["id"]);
  }

  deleteLease(lease: LeaseId): void {
    this.#run("DELETE FROM lease WHERE id = ?", lease);
  }

  leases(): LeaseDeadline[] {
    return this.#prepare("SELECT id, ttl_ms, deadline FROM lease")
      .all()
      .map((row) => ({ id: Number(row["id"]), ttlMs: Number(row["ttl_ms"]), deadline: Number(row["deadline"]) }));
  }

  keysOfLease(lease: LeaseId): string[] {
    return this.#prepare("SELECT key FROM current WHERE lease = ?")
      .all(lease)
      .map((row) => String(row["key"]));
  }

  sizeBytes(): number {
    const row = this.#prepare("SELECT page_count * page_size AS size FROM pragma_page_count, pragma_page_size").get();
    return Number(row?.["size"]);
  }

  #load(): void {
    const row = this.#prepare("SELECT revision, compact_revision FROM store").get();
    this.#revision = Number(row?.["revision"]);
    this.#compactRevision = Number(row?.["compact_revision"]);
  }

  #count(clause: string, values: readonly (string | number)[]): number {
    return Number(this.#prepare(`SELECT count(*) AS count ${clause}`).get(...values)?.["count"]);
  }

  #eventOf(row: Row, previous: boolean): StorageEvent {
    const key = String(row["key"]);
    const modRevision = Number(row["revision"]);
    const before = previous ? this.#before(key, modRevision) : undefined;
    const extra = before === undefined ? {} : { previous: before };
    if (row["value"] === null) return { type: "delete", key, modRevision, ...extra };
    return { type: "put", kv: keyValueOf(row), ...extra };
  }

  #before(key: string, revision: number): KeyValue | undefined {
    const row = this.#prepare(
      `SELECT ${COLUMNS} FROM history h WHERE h.key = ? AND h.revision < ? ORDER BY h.revision DESC LIMIT 1`,
    ).get(key, revision);
    return row === undefined || row["value"] === null ? undefined : keyValueOf(row);
  }

  #run(sql: string, ...values: (string | number | bigint | Uint8Array | null)[]): { lastInsertRowid: number } {
    const { lastInsertRowid } = this.#prepare(sql).run(...values);
    return { lastInsertRowid: Number(lastInsertRowid) };
  }

  // Compiling a statement costs more than running it.
  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

type Row = Record<string, SQLOutputValue>;

interface Selection extends Clause {
  readonly order: string;
}

interface Clause {
  readonly clause: string;
  readonly values: readonly (string | number)[];
}

const KEY_COLUMNS = "h.key, h.revision, h.create_revision, h.version, h.lease";
const COLUMNS = `${KEY_COLUMNS}, h.value`;
const INSERT = "INSERT INTO history (key, revision, create_revision, version, lease, value) VALUES (?, ?, ?, ?, ?, ?)";
const NOTHING = new Uint8Array();

function keyClause(range: KeyRange, table = "h"): Clause {
  if (range.rangeEnd === undefined) return { clause: `${table}.key = ?`, values: [range.key] };
  return { clause: `${table}.key >= ? AND ${table}.key < ?`, values: [range.key, range.rangeEnd] };
}

function newestVersions(range: KeyRange): Selection {
  const { clause, values } = keyClause(range, "c");
  return { clause: `FROM current c JOIN history h ON h.id = c.id WHERE ${clause}`, values, order: "c.key" };
}

function versionsAsOf(range: KeyRange, revision: number): Selection {
  const { clause, values } = keyClause(range, "v");
  const newest = `SELECT v.key AS key, max(v.revision) AS revision FROM history v WHERE ${clause} AND v.revision <= ? GROUP BY v.key`;
  return {
    clause: `FROM (${newest}) n JOIN history h ON h.key = n.key AND h.revision = n.revision WHERE h.value IS NOT NULL`,
    values: [...values, revision],
    order: "n.key",
  };
}

function keyValueOf(row: Row): KeyValue {
  const value = row["value"];
  const lease = row["lease"];
  return {
    key: String(row["key"]),
    value: value instanceof Uint8Array ? value : NOTHING,
    createRevision: Number(row["create_revision"]),
    modRevision: Number(row["revision"]),
    version: Number(row["version"]),
    ...(lease === null || lease === undefined ? {} : { lease: Number(lease) }),
  };
}
