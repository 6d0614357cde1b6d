import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../../base/coded-error.ts";
import type { SnapshotUsage } from "../snapshotter.ts";

const BLOCK_BYTES = 512;

/** Returns what a directory takes on disk, itself included; hard links count once, and what vanishes meanwhile not at all. */
export async function directoryUsage(directory: string): Promise<SnapshotUsage> {
  const seen = new Set<number>();
  let bytes = 0;
  const add = async (path: string): Promise<boolean> => {
    const { ino, blocks, isDirectory } = await stats(path);
    if (!seen.has(ino)) bytes += blocks * BLOCK_BYTES;
    if (ino !== 0) seen.add(ino);
    return isDirectory;
  };
  const pending = (await add(directory)) ? [directory] : [];
  for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
    for (const name of await namesIn(current)) {
      const path = join(current, name);
      if (await add(path)) pending.push(path);
    }
  }
  return { bytes, inodes: seen.size };
}

async function stats(path: string): Promise<{ ino: number; blocks: number; isDirectory: boolean }> {
  try {
    const found = await lstat(path);
    return { ino: found.ino, blocks: found.blocks, isDirectory: found.isDirectory() };
  } catch (error) {
    if (isGone(error)) return { ino: 0, blocks: 0, isDirectory: false };
    throw error;
  }
}

async function namesIn(directory: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of await opendir(directory)) names.push(entry.name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  return names;
}

function isGone(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}
