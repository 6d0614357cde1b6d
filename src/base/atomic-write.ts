import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface AtomicWriteOptions {
  /** Permission bits of the new file; 0600 by default. */
  readonly mode?: number;
  /** Whether the write survives a power cut when the promise resolves; true by default. */
  readonly durable?: boolean;
  /** Who owns the new file; the process by default. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
}

/** Replaces `path` by `data`: a reader, or a crash, sees the old file or the whole new one. */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const durable = options.durable ?? true;
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeNew(temporary, data, { ...options, durable });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  if (durable) await syncDirectory(dirname(path));
}

/** Makes the entries of a directory durable: a rename is lost in a power cut until its directory is synced. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

async function writeNew(path: string, data: string | Uint8Array, options: AtomicWriteOptions): Promise<void> {
  const mode = options.mode ?? 0o600;
  await using file = await open(path, "wx", mode);
  // The umask must not narrow what the caller asked for.
  await file.chmod(mode);
  if (options.owner !== undefined) await file.chown(options.owner.uid, options.owner.gid);
  await file.writeFile(data);
  if (options.durable) await file.sync();
}
