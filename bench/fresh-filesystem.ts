import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** An ext4 file system of its own, mounted. Disposing of it unmounts and removes it. */
export interface FreshFilesystem extends AsyncDisposable {
  readonly path: string;
}

const SIZE_BYTES = 8 * 1024 ** 3;
const run = promisify(execFile);

/**
 * Makes and mounts an ext4 file system in a sparse file. Each pull needs one: ext4 avoids inodes that were deleted in the
 * last minutes, so pulling again where something was deleted is several times slower, for everyone.
 */
export async function makeFreshFilesystem(): Promise<FreshFilesystem> {
  const directory = await mkdtemp(join(tmpdir(), "berth-bench-fs-"));
  const image = join(directory, "image");
  const path = join(directory, "mount");
  await mkdir(path);
  {
    await using file = await open(image, "w");
    await file.truncate(SIZE_BYTES);
  }
  // Everything that mkfs would leave to be done in the background is done now.
  await run("mkfs.ext4", ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image]);
  await run("mount", ["-o", "loop", image, path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
