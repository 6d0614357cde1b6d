import { mkdir } from "node:fs/promises";

import { listMounts, mount } from "../../linux/mount.ts";

/** Makes `path` a file system in memory, so that what is written there never reaches a disk. Idempotent. */
export async function mountMemoryDirectory(path: string, options: MemoryDirectoryOptions = {}): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  if (listMounts().some(({ mountPoint }) => mountPoint === path)) return;
  const { sizeBytes, mode = 0o755 } = options;
  const data = [`mode=${mode.toString(8)}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(",");
  mount({ source: "tmpfs", target: path, type: "tmpfs", flags: ["nosuid", "nodev"], data });
}

export interface MemoryDirectoryOptions {
  readonly sizeBytes?: number | undefined;
  readonly mode?: number;
}
