import { isInRange, lowerBound } from "../key-order.ts";
import type { KeyRange, KeyValue, LeaseId, StorageEvent } from "../storage.ts";
import type { LeaseDeadline, TableAnswer, TableQuery, VersionTable } from "../version-table.ts";

/** A version table on the heap. */
export class MemoryTable implements VersionTable {
  readonly #keys: string[] = [];
  readonly #versions = new Map<string, Version[]>();
  readonly #leases = new Map<LeaseId, LeaseDeadline>();
  #revision = 1;
  #compactRevision = 0;
  #lastLease = 0;

  get revision(): number {
    return this.#revision;
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  get(key: string): KeyValue | undefined {
    return this.#versions.get(key)?.at(-1)?.kv;
  }

  range(query: TableQuery): TableAnswer {
    const found = this.#keysIn(query)
      .map((key) => this.#at(key, query.revision ?? this.#revision)?.kv)
      .filter((kv) => kv !== undefined);
    if (query.countOnly) return { kvs: [], count: found.length };
    const kvs = found.slice(0, query.limit === undefined || query.limit === 0 ? undefined : query.limit);
    return { kvs: query.keysOnly ? kvs.map((kv) => ({ ...kv, value: NOTHING })) : kvs, count: found.length };
  }

  put(kv: KeyValue): void {
    this.#append(kv.key, { revision: kv.modRevision, kv });
  }

  delete(key: string, revision: number): void {
    this.#append(key, { revision, kv: undefined });
  }

  changesAfter(revision: number, range: KeyRange, previous: boolean): StorageEvent[] {
    return this.#keysIn(range)
      .flatMap((key) => this.#eventsOf(key, revision, previous))
      .sort((a, b) => a.revision - b.revision)
      .map(({ event }) => event);
  }

  compact(revision: number): void {
    this.#compactRevision = revision;
    for (const [key, versions] of this.#versions) {
      const kept = versions.filter((version, index) => {
        const next = versions[index + 1];
        // The newest version at or before the compacted revision is still what a read there finds.
        return version.revision > revision || ((next?.revision ?? Infinity) > revision && version.kv !== undefined);
      });
      if (kept.length > 0) this.#versions.set(key, kept);
      else this.#forget(key);
    }
  }

  hasLease(lease: LeaseId): boolean {
    return this.#leases.has(lease);
  }

  putLease(lease: LeaseDeadline): void {
    this.#leases.set(lease.id, lease);
  }

  nextLeaseId(): LeaseId {
    return ++this.#lastLease;
  }

  deleteLease(lease: LeaseId): void {
    this.#leases.delete(lease);
  }

  leases(): LeaseDeadline[] {
    return [...this.#leases.values()];
  }

  keysOfLease(lease: LeaseId): string[] {
    return this.#keys.filter((key) => this.get(key)?.lease === lease);
  }

  sizeBytes(): number {
    let size = 0;
    for (const versions of this.#versions.values()) {
      for (const version of versions) size += version.kv?.value.byteLength ?? 0;
    }
    return size;
  }

  #keysIn(range: KeyRange): string[] {
    if (range.rangeEnd === undefined) return this.#versions.has(range.key) ? [range.key] : [];
    return this.#keys.slice(lowerBound(this.#keys, range.key), lowerBound(this.#keys, range.rangeEnd));
  }

  #at(key: string, revision: number): Version | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision);
  }

  #append(key: string, version: Version): void {
    const versions = this.#versions.get(key);
    if (versions === undefined) {
      this.#versions.set(key, [version]);
      this.#keys.splice(lowerBound(this.#keys, key), 0, key);
    } else {
      versions.push(version);
    }
    this.#revision = version.revision;
  }

  #eventsOf(key: string, after: number, previous: boolean): { revision: number; event: StorageEvent }[] {
    const versions = this.#versions.get(key) ?? [];
    return versions.flatMap((version, index) => {
      if (version.revision <= after) return [];
      const before = previous ? versions[index - 1]?.kv : undefined;
      const extra = before === undefined ? {} : { previous: before };
      const event: StorageEvent =
        version.kv === undefined
          ? { type: "delete", key, modRevision: version.revision, ...extra }
          : { type: "put", kv: version.kv, ...extra };
      return [{ revision: version.revision, event }];
    });
  }

  #forget(key: string): void {
    this.#versions.delete(key);
    const index = lowerBound(this.#keys, key);
    if (isInRange(this.#keys[index] ?? "", { key })) this.#keys.splice(index, 1);
  }
}

interface Version {
  readonly revision: number;
  /** Absent where this version is a deletion. */
  readonly kv: KeyValue | undefined;
}

const NOTHING = new Uint8Array();
