import { closeSync, fchmodSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { StorageError } from "../storage.ts";

/** The layout this program reads and writes. A newer one is refused, never guessed at. */
export const SCHEMA_VERSION = 1;

/** Opens the database at `path` for this process alone, making what is missing. Throws `CORRUPT` where another program wrote it. */
export function openDatabase(path: string): DatabaseSync {
  makePrivate(path);
  const database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
  // One process at a time, so that the index of the log can live in its memory.
  database.exec("PRAGMA locking_mode = EXCLUSIVE");
  // WAL alone survives a killed process; FULL also syncs each commit, so that an answer outlives a power cut.
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA cache_size = -4096;
    PRAGMA journal_size_limit = 8388608;
    PRAGMA foreign_keys = OFF;
  `);
  const version = readVersion(database);
  if (version === 0) createSchema(database);
  else if (version !== SCHEMA_VERSION) throw unknownVersion(path, version);
  return database;
}

// A process that was killed a moment ago may not be gone yet.
const LOCK_WAIT_MS = 3000;

// Secrets are in it; SQLite gives the files beside it the same permissions.
function makePrivate(path: string): void {
  const file = openSync(path, "a", 0o600);
  fchmodSync(file, 0o600);
  closeSync(file);
}

function readVersion(database: DatabaseSync): number {
  const row = database.prepare("SELECT count(*) AS tables FROM sqlite_schema WHERE name = 'store'").get();
  if (row?.["tables"] !== 1) return 0;
  return Number(database.prepare("SELECT schema_version FROM store").get()?.["schema_version"]);
}

/**
 * `history` holds every version, in the order of its changes; a deletion has no value. `current` names the newest
 * version of each live key. `store` has one row.
 */
function createSchema(database: DatabaseSync): void {
  database.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE history (
      id INTEGER PRIMARY KEY,
      key TEXT NOT NULL,
      revision INTEGER NOT NULL,
      create_revision INTEGER NOT NULL,
      version INTEGER NOT NULL,
      lease INTEGER,
      value BLOB
    ) STRICT;
    CREATE UNIQUE INDEX history_key ON history (key, revision);
    CREATE INDEX history_revision ON history (revision);
    CREATE TABLE current (key TEXT PRIMARY KEY, id INTEGER NOT NULL, lease INTEGER) STRICT, WITHOUT ROWID;
    CREATE INDEX current_lease ON current (lease) WHERE lease IS NOT NULL;
    CREATE TABLE lease (id INTEGER PRIMARY KEY AUTOINCREMENT, ttl_ms INTEGER NOT NULL, deadline INTEGER NOT NULL) STRICT;
    CREATE TABLE store (schema_version INTEGER NOT NULL, revision INTEGER NOT NULL, compact_revision INTEGER NOT NULL) STRICT;
    INSERT INTO store VALUES (${SCHEMA_VERSION}, 1, 0);
    COMMIT;
  `);
}

function unknownVersion(path: string, version: number): StorageError {
  return new StorageError(
    "CORRUPT",
    `Cannot open the store "${path}": its schema version is ${version}, this program knows ${SCHEMA_VERSION}`,
    { hint: "Start the version of Berth that last used this data directory, or a newer one." },
  );
}
