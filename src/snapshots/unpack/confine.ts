import { closeSync, constants, openSync } from "node:fs";

import { chroot, fchdir } from "../../linux/filesystem.ts";

/**
 * Runs `task` with `directory` as the root of this whole process, and comes back. A path that escapes every check still
 * ends at that root. One at a time; `task` sees none of the process' other files.
 */
export async function confined<T>(directory: string, task: () => Promise<T>): Promise<T> {
  const outside = openSync("/", constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    chroot(directory);
    process.chdir("/");
    try {
      return await task();
    } finally {
      fchdir(outside);
      chroot(".");
    }
  } finally {
    closeSync(outside);
  }
}
