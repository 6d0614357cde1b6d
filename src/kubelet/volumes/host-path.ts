import { mkdir, open, stat } from "node:fs/promises";

import type { HostPathVolumeSource } from "../../api/core-v1.gen.ts";

/** Returns the host path after checking that it is of the kind asked for; `…OrCreate` kinds are made. Throws `RangeError`. */
export async function prepareHostPath({ path, type = "" }: HostPathVolumeSource): Promise<string> {
  if (type === "DirectoryOrCreate") await mkdir(path, { recursive: true, mode: 0o755 });
  if (type === "FileOrCreate") await createFile(path);
  const check = CHECKS[type];
  if (check === undefined) return path;
  const stats = await stat(path).catch(() => undefined);
  if (stats === undefined || !check.holds(stats)) {
    throw new RangeError(`hostPath type check failed: ${path} is not a ${check.noun}`);
  }
  return path;
}

type Stats = Awaited<ReturnType<typeof stat>>;

interface Check {
  readonly noun: string;
  holds(stats: Stats): boolean;
}

const directory: Check = { noun: "directory", holds: (stats) => stats.isDirectory() };
const file: Check = { noun: "file", holds: (stats) => stats.isFile() };

const CHECKS: Readonly<Record<string, Check>> = {
  Directory: directory,
  DirectoryOrCreate: directory,
  File: file,
  FileOrCreate: file,
  Socket: { noun: "socket", holds: (stats) => stats.isSocket() },
  CharDevice: { noun: "character device", holds: (stats) => stats.isCharacterDevice() },
  BlockDevice: { noun: "block device", holds: (stats) => stats.isBlockDevice() },
};

async function createFile(path: string): Promise<void> {
  await using file = await open(path, "a", 0o644);
  await file.stat();
}
