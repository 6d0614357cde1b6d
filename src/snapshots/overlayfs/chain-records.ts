import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { syncDirectory, writeFileAtomic } from "../../base/atomic-write.ts";
import { failpoint } from "../../base/failpoint.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";

/** What is kept of a committed layer. Its record is the commit: a layer directory without one is rubbish. */
export interface ChainRecord {
  readonly version: 1;
  readonly chainId: Digest;
  readonly parent?: Digest;
  /** Name of its directory. */
  readonly directory: string;
  readonly bytes: number;
  readonly inodes: number;
  /** Whether it hides all layers below it. */
  readonly isOpaque: boolean;
}

/** The records of committed layers: one synced file each, all of them in memory. */
export class ChainRecords {
  readonly #root: string;
  readonly #records: Map<Digest, ChainRecord>;
  readonly #isDurable: boolean;

  private constructor(root: string, records: Map<Digest, ChainRecord>, isDurable: boolean) {
    this.#root = root;
    this.#records = records;
    this.#isDurable = isDurable;
  }

  /** Reads what is in a directory; with `isDurable`, what changes there survives a power cut. */
  static async open(root: string, isDurable: boolean): Promise<ChainRecords> {
    const records = new Map<Digest, ChainRecord>();
    for (const name of await readdir(root)) {
      const record = parseRecord(await readFile(join(root, name), "utf8"));
      if (record === undefined) await rm(join(root, name), { force: true });
      else records.set(record.chainId, record);
    }
    return new ChainRecords(root, withWholeChains(records), isDurable);
  }

  get(chainId: Digest): ChainRecord | undefined {
    return this.#records.get(chainId);
  }

  all(): ChainRecord[] {
    return [...this.#records.values()];
  }

  async add(record: ChainRecord): Promise<void> {
    await failpoint("snapshots.before-commit");
    await writeFileAtomic(this.#path(record.chainId), JSON.stringify(record), { durable: this.#isDurable });
    await failpoint("snapshots.after-commit");
    this.#records.set(record.chainId, record);
  }

  /** Takes records out of sight at once; `erase` makes it last. */
  hide(records: readonly ChainRecord[]): void {
    for (const { chainId } of records) this.#records.delete(chainId);
  }

  /** Removes the files of hidden records, children before their parents: durable when the promise resolves. */
  async erase(records: readonly ChainRecord[]): Promise<void> {
    for (const { chainId } of records) await rm(this.#path(chainId), { force: true });
    await syncDirectory(this.#root);
  }

  #path(chainId: Digest): string {
    return join(this.#root, chainId.replace(":", "-"));
  }
}

/** Leaves out records whose parent is missing: what lies below them cannot be known. */
function withWholeChains(records: ReadonlyMap<Digest, ChainRecord>): Map<Digest, ChainRecord> {
  const isWhole = (record: ChainRecord): boolean => {
    for (let current: ChainRecord | undefined = record; current?.parent !== undefined;) {
      current = records.get(current.parent);
      if (current === undefined) return false;
    }
    return true;
  };
  return new Map([...records].filter(([, record]) => isWhole(record)));
}

function parseRecord(text: string): ChainRecord | undefined {
  try {
    const record = JSON.parse(text) as Partial<ChainRecord>;
    const isKnown = record.version === 1 && isDigest(record.chainId ?? "") && /^\d+$/.test(record.directory ?? "");
    return isKnown ? (record as ChainRecord) : undefined;
  } catch {
    // A temporary file of a write that was cut off.
    return undefined;
  }
}
