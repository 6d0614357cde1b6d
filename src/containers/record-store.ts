import { CriError } from "../cri/cri-error.ts";
import type { Records } from "../metadata/metadata.ts";

/** A collection of the engine's database with its records in memory. Records are values: they are replaced, never changed. */
export class RecordStore<T extends { readonly id: string }> {
  readonly #records: Records<T>;
  readonly #kind: string;
  readonly #byId: Map<string, T>;

  /** `kind` is what errors call a record. */
  constructor(records: Records<T>, kind: string) {
    this.#records = records;
    this.#kind = kind;
    this.#byId = new Map(records.list().map(({ id, record }) => [id, record]));
  }

  find(id: string): T | undefined {
    return this.#byId.get(id);
  }

  /** Returns a record. Throws `CriError` (`NOT_FOUND`). */
  get(id: string): T {
    const record = this.#byId.get(id);
    if (record !== undefined) return record;
    throw new CriError("NOT_FOUND", `Cannot find the ${this.#kind} "${id}": there is none of that id`);
  }

  list(): T[] {
    return [...this.#byId.values()];
  }

  /** Writes a record: seen at once, durable when the promise resolves. */
  async put(record: T): Promise<void> {
    this.#byId.set(record.id, record);
    await this.#records.put(record.id, record);
  }

  /** Changes some fields of a record that exists; does nothing where it was removed meanwhile. */
  async update(id: string, changes: Partial<T>): Promise<void> {
    const record = this.#byId.get(id);
    if (record !== undefined) await this.put({ ...record, ...changes });
  }

  async delete(id: string): Promise<void> {
    this.#byId.delete(id);
    await this.#records.delete(id);
  }
}
