import { readFile } from "node:fs/promises";

import { writeFileAtomic } from "../../base/atomic-write.ts";
import { codeOf } from "../../base/coded-error.ts";

/** What is remembered of an image on the node; milliseconds since the epoch. */
export interface ImageUsage {
  readonly firstSeen: number;
  /** When it was last seen in use; when it was first seen where it never was. */
  readonly lastUsed: number;
}

/** Returns what is remembered, by image id. A file that is absent, or that cannot be made sense of, holds nothing. */
export async function readImageUsage(path: string): Promise<Map<string, ImageUsage>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return new Map();
    throw error;
  }
  return new Map(parse(text).filter((entry) => isEntry(entry)));
}

/** Replaces what is remembered. Durable. */
export async function writeImageUsage(path: string, usage: ReadonlyMap<string, ImageUsage>): Promise<void> {
  await writeFileAtomic(path, JSON.stringify({ version: VERSION, images: Object.fromEntries(usage) }));
}

const VERSION = 1;

function parse(text: string): [string, unknown][] {
  try {
    const { version, images } = JSON.parse(text) as { readonly version?: unknown; readonly images?: unknown };
    return version === VERSION ? Object.entries(images ?? {}) : [];
  } catch {
    return [];
  }
}

function isEntry(entry: [string, unknown]): entry is [string, ImageUsage] {
  const { firstSeen, lastUsed } = (entry[1] ?? {}) as { readonly firstSeen?: unknown; readonly lastUsed?: unknown };
  return Number.isFinite(firstSeen) && Number.isFinite(lastUsed);
}
