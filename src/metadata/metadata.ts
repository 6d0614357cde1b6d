/** The engine's database: what must survive a restart. One process owns it at a time. Every write is durable when its promise resolves. */
export interface Metadata extends AsyncDisposable {
  /**
   * Returns a collection of JSON records. `version` is that of the records' shape: older ones go through `upgrade`, newer
   * ones throw `VERSION_TOO_NEW`.
   */
  records<T>(name: string, version: number, upgrade?: RecordUpgrade<T>): Records<T>;

  /** Applies several writes, of any collections, as one: all or none. */
  transaction(writes: readonly RecordWrite[]): Promise<void>;

  /** Closes the database. Idempotent. */
  close(): void;
}

/** Turns a record of an older shape into today's. */
export type RecordUpgrade<T> = (record: unknown, version: number) => T;

/** One collection of records by id. Reads answer from memory of the database and do not wait. */
export interface Records<T> {
  get(id: string): T | undefined;
  /** Returns all records, ordered by id. */
  list(): { readonly id: string; readonly record: T }[];
  /** Writes one record, replacing one of the same id. */
  put(id: string, record: T): Promise<void>;
  /** Removes one record. Removing an absent one is not an error. */
  delete(id: string): Promise<void>;
  /** Returns a write for `transaction`. */
  putting(id: string, record: T): RecordWrite;
  /** Returns a removal for `transaction`. */
  deleting(id: string): RecordWrite;
}

/** A write that `transaction` applies; made by `Records.putting` and `Records.deleting`. */
export interface RecordWrite {
  readonly collection: string;
  readonly id: string;
  /** Absent to remove the record. */
  readonly value?: { readonly version: number; readonly json: string };
}
