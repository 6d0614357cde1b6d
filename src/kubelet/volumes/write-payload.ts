import { chmod, lchown, mkdir, mkdtemp, readdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createHash } from "node:crypto";

import { codeOf } from "../../base/coded-error.ts";
import type { Payload } from "./payload.ts";

/**
 * Makes a volume hold exactly the payload. Readers see the old files or the new, never a mixture: the files lie in a directory of their
 * own that the link `..data` is swapped to, and the visible names are links through it. The same payload again changes nothing.
 */
export async function writePayload(volumeDir: string, payload: Payload, owner: PayloadOwner = {}): Promise<void> {
  await mkdir(volumeDir, { recursive: true, mode: 0o755 });
  const dataLink = join(volumeDir, "..data");
  const previous = await readlinkOrUndefined(dataLink);
  const fingerprint = fingerprintOf(payload);
  if (previous?.startsWith(`..${fingerprint}.`) === true) return;
  const directory = await mkdtemp(join(volumeDir, `..${fingerprint}.`));
  await writeFiles(directory, payload, owner);
  const staged = join(volumeDir, "..data_tmp");
  await rm(staged, { force: true });
  await symlink(directory.slice(volumeDir.length + 1), staged);
  await rename(staged, dataLink);
  await linkNames(volumeDir, payload);
  if (previous !== undefined) await rm(join(volumeDir, previous), { recursive: true, force: true });
}

export interface PayloadOwner {
  /** Group that the files are given to, and may read them. */
  readonly fsGroup?: number | undefined;
}

async function writeFiles(directory: string, payload: Payload, { fsGroup }: PayloadOwner): Promise<void> {
  // mkdtemp makes it 0700; containers that run as any user look inside.
  await chmod(directory, 0o755);
  for (const [path, { content, mode }] of payload) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, content, { mode: 0o600, flag: "wx" });
    await chmod(target, fsGroup === undefined ? mode : mode | 0o040);
    if (fsGroup !== undefined) await lchown(target, 0, fsGroup);
  }
}

/** Links each first path component through `..data`, and removes links of names that are gone. */
async function linkNames(volumeDir: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split("/", 1)[0] ?? path));
  for (const name of await readdir(volumeDir)) {
    if (!name.startsWith("..") && !wanted.has(name)) await rm(join(volumeDir, name), { force: true });
  }
  for (const name of wanted) {
    await symlink(join("..data", name), join(volumeDir, name)).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
  }
}

function fingerprintOf(payload: Payload): string {
  const hash = createHash("sha256");
  for (const [path, { content, mode }] of [...payload].toSorted(([left], [right]) => (left < right ? -1 : 1))) {
    hash.update(`${path.length}:${path}:${mode}:${content.length}:`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

async function readlinkOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
