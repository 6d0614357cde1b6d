import { mkdir, readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";

import { writeFileAtomic } from "../base/atomic-write.ts";
import { codeOf } from "../base/coded-error.ts";
import { lockFile } from "../base/file-lock.ts";
import type { HostDirectories } from "./host-directories.ts";
import { readInstanceRecord, type InstanceRecord } from "./instance-record.ts";

/** A cluster of this host and where it keeps its data. */
export interface HostInstance {
  readonly dataDir: string;
  readonly record: InstanceRecord;
}

/**
 * Lists the clusters of this host: those registered since the machine started, wherever their data lies, and those in
 * the default place. A cluster whose data directory is gone does not count.
 */
export async function listHostInstances(directories: HostDirectories): Promise<HostInstance[]> {
  const dataDirs = new Set([...(await registered(directories)), ...(await inDefaultPlace(directories))]);
  const found = await Promise.all(
    [...dataDirs].map(async (dataDir) => {
      // One cluster's broken record must not keep the others from starting.
      const record = await readInstanceRecord(dataDir).catch(() => undefined);
      return record === undefined ? [] : [{ dataDir, record }];
    }),
  );
  return found.flat();
}

/** Makes the cluster known to the others of this host until the machine restarts. */
export async function registerInstance(directories: HostDirectories, instance: HostInstance): Promise<void> {
  const directory = registryDirectory(directories);
  await mkdir(directory, { recursive: true, mode: 0o755 });
  await writeFileAtomic(join(directory, instance.record.id), `${instance.dataDir}\n`, { mode: 0o644, durable: false });
}

/**
 * Gives back what the cluster had allocated on this host, and removes the directories of all clusters when it was the last.
 * Idempotent.
 */
export async function unregisterInstance(directories: HostDirectories, id: string): Promise<void> {
  const { runRoot, dataRoot } = directories;
  await mkdir(runRoot, { recursive: true, mode: 0o755 });
  await using _lock = await lockHost(directories);
  await rm(join(registryDirectory(directories), id), { force: true });
  await rmdir(dataRoot).catch(() => {});
  if ((await listDirectory(registryDirectory(directories))).length > 0) return;
  await rmdir(registryDirectory(directories)).catch(() => {});
  await rm(join(runRoot, ".host"), { recursive: true, force: true });
  const left = (await listDirectory(runRoot)).filter((name) => name !== LOCK);
  if (left.length > 0) return;
  await rm(join(runRoot, LOCK), { force: true });
  await rmdir(runRoot).catch(() => {});
}

/** Takes the lock under which this host's clusters allocate. */
export async function lockHost(directories: HostDirectories): Promise<AsyncDisposable> {
  return await lockFile(join(directories.runRoot, LOCK), { waitMs: 10_000 });
}

const LOCK = ".lock";

function registryDirectory(directories: HostDirectories): string {
  return join(directories.runRoot, ".instances");
}

async function registered(directories: HostDirectories): Promise<string[]> {
  const directory = registryDirectory(directories);
  const names = await listDirectory(directory);
  const texts = await Promise.all(
    names.map(async (name) => await readFile(join(directory, name), "utf8").catch(() => "")),
  );
  return texts.map((text) => text.trim()).filter((text) => text !== "");
}

async function inDefaultPlace(directories: HostDirectories): Promise<string[]> {
  const names = await listDirectory(directories.dataRoot);
  return names.map((name) => join(directories.dataRoot, name));
}

async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
