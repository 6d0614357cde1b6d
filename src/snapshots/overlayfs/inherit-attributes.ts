import { chmod, chown, lstat, open, utimes } from "node:fs/promises";
import { join } from "node:path";

import { codeOf } from "../../base/coded-error.ts";
import { type CPath, cPathOf } from "../../linux/c-path.ts";
import { lgetxattr, llistxattr, lsetxattr } from "../../linux/filesystem.ts";

/**
 * Gives directories of a layer, which its archive did not mention, the attributes they have in the layers below, and syncs
 * them: an overlay shows those of the topmost layer that has the directory. `paths` are byte strings relative to each
 * root; `lower` is topmost first. A directory that no layer below has stays as it is.
 */
export async function inheritAttributes(
  directory: string,
  lower: readonly string[],
  paths: readonly string[],
): Promise<void> {
  for (const path of paths) {
    const source = await findBelow(lower, path);
    if (source !== undefined) await copyAttributes(source, absolute(directory, path));
  }
}

type FsPath = string | Buffer;

type Found = { readonly kind: "directory"; readonly path: FsPath } | { readonly kind: "absent" | "hidden" };

/** Returns the topmost directory at `path` that shows through; no symbolic link on the way is followed. */
async function findBelow(lower: readonly string[], path: string): Promise<FsPath | undefined> {
  for (const root of lower) {
    const found = await lookUp(root, path === "" ? [] : path.split("/"));
    if (found.kind === "hidden") return undefined;
    if (found.kind === "directory") return found.path;
  }
  return undefined;
}

async function lookUp(root: string, parts: readonly string[]): Promise<Found> {
  let isCut = false;
  for (let depth = 0; depth <= parts.length; depth++) {
    const current = absolute(root, parts.slice(0, depth).join("/"));
    const kind = await kindOf(current);
    if (kind === "hidden") return { kind };
    // What an opaque directory lacks does not show from further below either.
    if (kind === "absent") return { kind: isCut ? "hidden" : "absent" };
    isCut ||= isOpaque(current);
  }
  return { kind: "directory", path: absolute(root, parts.join("/")) };
}

async function kindOf(path: FsPath): Promise<"directory" | "absent" | "hidden"> {
  try {
    return (await lstat(path)).isDirectory() ? "directory" : "hidden";
  } catch (error) {
    if (codeOf(error) === "ENOENT") return "absent";
    throw error;
  }
}

function isOpaque(path: FsPath): boolean {
  return lgetxattr(cPathIn(path), "trusted.overlay.opaque")?.toString() === "y";
}

async function copyAttributes(from: FsPath, to: FsPath): Promise<void> {
  const { uid, gid, mode, atimeMs, mtimeMs } = await lstat(from);
  await chown(to, uid, gid);
  await chmod(to, mode & 0o7777);
  for (const name of llistxattr(cPathIn(from))) {
    const value = name.startsWith("trusted.overlay.") ? undefined : lgetxattr(cPathIn(from), name);
    if (value !== undefined) lsetxattr(cPathIn(to), name, value);
  }
  await utimes(to, atimeMs / 1000, mtimeMs / 1000);
  await using directory = await open(to, "r");
  await directory.sync();
}

function cPathIn(path: FsPath): CPath {
  return typeof path === "string" ? path : cPathOf(path);
}

function absolute(root: string, path: string): FsPath {
  return Buffer.from(path, "latin1").every((byte) => byte < 0x80)
    ? join(root, path)
    : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
}
