import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

import { codeOf, messageOf } from "../base/coded-error.ts";
import { failpoint } from "../base/failpoint.ts";
import type { Metadata, Records, RecordUpgrade, RecordWrite } from "./metadata.ts";
import { MetadataError } from "./metadata-error.ts";

const SCHEMA_VERSION = 1;

const SCHEMA = `
  CREATE TABLE records (
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (collection, id)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${SCHEMA_VERSION};
`;

// Result codes of sqlite.org/rescode.html.
const SQLITE_FULL = 13;
const SQLITE_BUSY = 5;

/**
 * Opens the database file, and makes it where it is not there. Throws `MetadataError`: `DATABASE_IN_USE` while another
 * process owns it, `DATABASE_CORRUPT`, `VERSION_TOO_NEW` for a file of a newer release.
 */
export async function openMetadata(path: string): Promise<Metadata> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const database = openDatabase(path);
  try {
    prepareDatabase(database, path);
    return new SqliteMetadata(database);
  } catch (error) {
    database.close();
    throw asMetadataError(error, path);
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw asMetadataError(error, path);
  }
}

function prepareDatabase(database: DatabaseSync, path: string): void {
  // Exclusive locking keeps a second owner out, and needs no shared memory file.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  database.exec("BEGIN IMMEDIATE; COMMIT;");
  const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (check !== "ok") throw new MetadataError("DATABASE_CORRUPT", `Cannot open "${path}": ${String(check)}`);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > SCHEMA_VERSION) {
    throw new MetadataError("VERSION_TOO_NEW", `Cannot open "${path}": a newer release wrote it`);
  }
  if (version === 0) database.exec(`BEGIN; ${SCHEMA} COMMIT;`);
}

class SqliteMetadata implements Metadata {
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#get = database.prepare("SELECT version, value FROM records WHERE collection = ? AND id = ?");
    this.#list = database.prepare("SELECT id, version, value FROM records WHERE collection = ? ORDER BY id");
    this.#put = database.prepare("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM records WHERE collection = ? AND id = ?");
  }

  records<T>(name: string, version: number, upgrade?: RecordUpgrade<T>): Records<T> {
    const parse = (row: Record<string, unknown>) => parseRecord<T>(row, { name, version, upgrade });
    const putting = (id: string, record: T): RecordWrite => ({
      collection: name,
      id,
      value: { version, json: JSON.stringify(record) },
    });
    const deleting = (id: string): RecordWrite => ({ collection: name, id });
    return {
      get: (id) => {
        const row = this.#get.get(name, id);
        return row === undefined ? undefined : parse(row);
      },
      list: () => this.#list.all(name).map((row) => ({ id: String(row["id"]), record: parse(row) })),
      put: async (id, record) => this.transaction([putting(id, record)]),
      delete: async (id) => this.transaction([deleting(id)]),
      putting,
      deleting,
    };
  }

  async transaction(writes: readonly RecordWrite[]): Promise<void> {
    await failpoint("metadata.before-commit");
    try {
      this.#commit(writes);
    } catch (error) {
      throw asMetadataError(error, this.#database.location() ?? "");
    }
    await failpoint("metadata.after-commit");
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  // Nothing waits between BEGIN and COMMIT, so that two transactions of this process cannot mix.
  #commit(writes: readonly RecordWrite[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const { collection, id, value } of writes) {
        if (value === undefined) this.#delete.run(collection, id);
        else this.#put.run(collection, id, value.version, value.json);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite rolls back by itself after some errors, a full disk among them.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }
}

interface RecordShape<T> {
  readonly name: string;
  readonly version: number;
  readonly upgrade: RecordUpgrade<T> | undefined;
}

function parseRecord<T>(row: Record<string, unknown>, { name, version, upgrade }: RecordShape<T>): T {
  const stored = Number(row["version"]);
  const record = JSON.parse(String(row["value"])) as unknown;
  if (stored === version) return record as T;
  if (stored > version) {
    throw new MetadataError("VERSION_TOO_NEW", `Cannot read the records "${name}": a newer release wrote them`);
  }
  if (upgrade === undefined) {
    throw new MetadataError("VERSION_TOO_OLD", `Cannot read the records "${name}": version ${stored} has no upgrade`);
  }
  return upgrade(record, stored);
}

function asMetadataError(error: unknown, path: string): unknown {
  if (error instanceof MetadataError || codeOf(error) !== "ERR_SQLITE_ERROR") return error;
  const { errcode = 0 } = error as { readonly errcode?: number };
  // The primary code is the low byte of an extended one.
  const primary = errcode & 0xff;
  if (primary === SQLITE_BUSY) {
    return new MetadataError("DATABASE_IN_USE", `Cannot open "${path}": another process uses it`, { cause: error });
  }
  if (primary === SQLITE_FULL) {
    return new MetadataError("NO_SPACE", `Cannot write "${path}": no space left on the device`, { cause: error });
  }
  return new MetadataError("DATABASE_CORRUPT", `Cannot use "${path}": ${messageOf(error)}`, { cause: error });
}
