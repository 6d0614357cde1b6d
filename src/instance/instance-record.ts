import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../base/atomic-write.ts";
import { codeOf } from "../base/coded-error.ts";
import type { AddressRanges } from "./address-ranges.ts";
import { InstanceError } from "./instance-error.ts";

/** What makes one cluster distinct on its host. Allocated once, kept in the data directory, stable from then on. */
export interface InstanceRecord extends AddressRanges {
  /** Version of this record's form. */
  readonly version: 1;
  /** Unique among the clusters of this host; kernel objects (cgroup, nftables table) carry it in their names. */
  readonly id: string;
  /** As the user calls it: the name of the kubectl context. */
  readonly name: string;
  /** Port of the API server. */
  readonly apiPort: number;
  /** Port of the node server. */
  readonly kubeletPort: number;
}

/** Returns the record of a data directory, undefined where there is none. Throws `InstanceError` with code `RECORD_UNREADABLE`. */
export async function readInstanceRecord(dataDir: string): Promise<InstanceRecord | undefined> {
  const path = recordPath(dataDir);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
  return parseRecord(path, text);
}

/** Writes the record durably. */
export async function writeInstanceRecord(dataDir: string, record: InstanceRecord): Promise<void> {
  await writeFileAtomic(recordPath(dataDir), `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o644 });
}

function recordPath(dataDir: string): string {
  return join(dataDir, "instance.json");
}

function parseRecord(path: string, text: string): InstanceRecord {
  try {
    const record: unknown = JSON.parse(text);
    if (isRecord(record)) return record;
  } catch {
    // Answered below like any other text that is no record.
  }
  throw new InstanceError("RECORD_UNREADABLE", `Cannot read "${path}": it is not an instance record of this version`, {
    hint: "A newer Berth may have written it; otherwise restore the file from a backup of the data directory",
  });
}

function isRecord(value: unknown): value is InstanceRecord {
  if (typeof value !== "object" || value === null) return false;
  const record = value as Partial<Record<keyof InstanceRecord, unknown>>;
  const texts = [record.id, record.name, record.podCidr, record.serviceCidr];
  const ports = [record.apiPort, record.kubeletPort];
  return record.version === 1 && texts.every((text) => typeof text === "string") && ports.every(Number.isInteger);
}
