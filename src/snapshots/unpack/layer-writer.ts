import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";

import { codeOf } from "../../base/coded-error.ts";
import { type FileTime, setFileTimes, setLinkTimes } from "../../linux/file-times.ts";
import { lsetxattr, mknod, type NodeType } from "../../linux/filesystem.ts";
import { invalidEntry, invalidLayer, shownName, SnapshotError } from "../snapshot-error.ts";
import { baseNameOf, cleanEntryPath, cPath, fsPath, parentOf } from "./entry-path.ts";
import { LayerTree, statOf } from "./layer-tree.ts";
import type { TarEntry, TarEntryHandler } from "./tar-entry.ts";

const WHITEOUT_PREFIX = ".wh.";
const AUFS_PREFIX = ".wh..wh.";
const OPAQUE_MARKER = ".wh..wh..opq";
const MAX_ID = 2 ** 31 - 1;
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;
/** The last second that ext4 can store. */
const MAX_TIME = 15_032_385_535;

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly entry: TarEntry;
  /** Where the last byte written so far ends. */
  end: number;
}

/**
 * Writes the entries of one layer into the root of this process, which must hold nothing else: whiteouts in overlayfs'
 * form, links, devices, owners, modes, times and harmless extended attributes. Throws `SnapshotError`, or file system errors.
 */
export class LayerWriter implements TarEntryHandler {
  readonly #maxInodes: number;
  readonly #tree = new LayerTree();
  readonly #directories = new Map<string, TarEntry>();
  #file: OpenFile | undefined;
  #inodes = 0;
  #bytes = 0;

  constructor(maxInodes: number) {
    this.#maxInodes = maxInodes;
  }

  begin(entry: TarEntry): void {
    if (++this.#inodes > this.#maxInodes) {
      throw new SnapshotError(
        "LAYER_TOO_LARGE",
        `Cannot unpack the layer: it has more than ${this.#maxInodes} entries`,
      );
    }
    try {
      this.#begin(entry);
    } catch (error) {
      throw namingEntry(entry, error);
    }
  }

  data(chunk: Uint8Array, offset: number): void {
    if (this.#file === undefined) return;
    let written = 0;
    while (written < chunk.length) {
      written += writeSync(this.#file.fd, chunk, written, chunk.length - written, offset + written);
    }
    this.#file.end = offset + chunk.length;
    this.#bytes += chunk.length;
  }

  end(size: number): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    try {
      finishFile(file, size);
    } finally {
      closeSync(file.fd);
    }
  }

  /** Gives directories their final attributes, which writing into them would have changed. Returns what was written. */
  finish(): WrittenLayer {
    const { implicitDirectories, isOpaque } = this.#tree;
    for (const [path, entry] of [...this.#directories].toReversed()) applyDirectory(path, entry);
    return { bytes: this.#bytes, inodes: this.#inodes, implicitDirectories, isOpaque };
  }

  /** Closes the file that a failed layer left open. */
  abort(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #begin(entry: TarEntry): void {
    checkOwner(entry);
    const path = cleanEntryPath(entry.name);
    const name = baseNameOf(path);
    if (path === "") this.#root(entry);
    else if (name.startsWith(WHITEOUT_PREFIX)) this.#whiteout(path, name);
    else this.#entry(this.#tree.resolveEntry(path), entry);
  }

  #root(entry: TarEntry): void {
    if (entry.type !== "directory") throw invalidLayer("an entry would replace the root");
    this.#tree.makeDirectory("");
    this.#directories.set("", entry);
  }

  #whiteout(path: string, name: string): void {
    if (name === OPAQUE_MARKER) {
      this.#tree.makeOpaque(this.#tree.resolveDirectory(parentOf(path)));
      return;
    }
    // Other names of this form are AUFS' own bookkeeping.
    if (name.startsWith(AUFS_PREFIX)) return;
    const hidden = name.slice(WHITEOUT_PREFIX.length);
    if (hidden === "" || hidden === "." || hidden === "..") throw invalidLayer("a whiteout names no file");
    this.#tree.whiteOut(this.#tree.resolveEntry(`${path.slice(0, path.length - name.length)}${hidden}`));
  }

  #entry(path: string, entry: TarEntry): void {
    if (entry.type === "directory") {
      this.#tree.makeDirectory(path);
      // Set anew, so that the order is that of the last entry for it.
      this.#directories.delete(path);
      this.#directories.set(path, entry);
      return;
    }
    const target = entry.type === "hardlink" ? this.#linkTarget(entry, path) : undefined;
    if (target === path) return;
    try {
      this.#make(path, entry, target);
    } catch (error) {
      // Hardly any path comes twice, so nobody looks before.
      if (codeOf(error) !== "EEXIST") throw error;
      if (this.#tree.clear(path)) this.#forgetDirectories(path);
      this.#make(path, entry, target);
    }
  }

  /** Makes what is no directory. Throws `EEXIST` where the path is taken: nothing is written through a link. */
  #make(path: string, entry: TarEntry, target: string | undefined): void {
    if (entry.type === "file") this.#openFile(path, entry);
    else if (target !== undefined) makeHardLink(target, path);
    else makeSpecial(path, entry);
  }

  #linkTarget(entry: TarEntry, path: string): string {
    const clean = cleanEntryPath(entry.linkName);
    const target = clean === "" ? "" : this.#tree.resolveEntry(clean);
    const existing = target === "" ? undefined : statOf(target);
    if (existing === undefined || existing.isDirectory() || target.startsWith(`${path}/`)) {
      throw invalidLayer(`the target ${shownName(entry.linkName)} of a hard link is no file of the layer`);
    }
    return target;
  }

  #openFile(path: string, entry: TarEntry): void {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    this.#file = { fd: openSync(fsPath(path), flags, entry.mode & 0o777), path, entry, end: 0 };
  }

  #forgetDirectories(removed: string): void {
    for (const path of this.#directories.keys()) {
      if (path === removed || path.startsWith(`${removed}/`)) this.#directories.delete(path);
    }
  }
}

/** What a layer came to. */
export interface WrittenLayer {
  readonly bytes: number;
  readonly inodes: number;
  /** Directories whose attributes are to be taken from the layers below; the root is the empty path. */
  readonly implicitDirectories: readonly string[];
  /** Whether nothing of the layers below shows. */
  readonly isOpaque: boolean;
}

function finishFile({ fd, path, entry, end }: OpenFile, size: number): void {
  const { uid, gid, mode } = entry;
  // A sparse file may end with a hole.
  if (size !== end) ftruncateSync(fd, size);
  if (uid !== 0 || gid !== 0) fchownSync(fd, uid, gid);
  // After the owner: changing it clears set-user-id.
  if ((mode & 0o7000) !== 0) fchmodSync(fd, mode);
  applyXattrs(path, entry);
  setFileTimes(fd, timeOf(entry));
}

/** ELOOP, ENAMETOOLONG, ENOTDIR and the like: the entry asks for what no file system can hold. */
function namingEntry({ name }: TarEntry, error: unknown): unknown {
  if (error instanceof SnapshotError) return invalidEntry(name, error);
  const code = codeOf(error);
  if (code === undefined || HOST_FAULTS.has(code)) return error;
  return invalidEntry(name, invalidLayer(`it cannot be written (${code})`, error));
}

/** Errors that are the machine's, not the layer's. */
const HOST_FAULTS: ReadonlySet<string> = new Set([
  "ENOSPC",
  "EDQUOT",
  "EIO",
  "EROFS",
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "EPERM",
  "EACCES",
  "ENOSYS",
]);

function makeHardLink(target: string, path: string): void {
  linkSync(fsPath(target), fsPath(path));
}

function makeSpecial(path: string, entry: TarEntry): void {
  const { uid, gid, mode } = entry;
  if (entry.type === "symlink") {
    if (entry.linkName === "" || entry.linkName.includes("\0")) throw invalidLayer("a symbolic link has no target");
    symlinkSync(Buffer.from(entry.linkName, "latin1"), fsPath(path));
  } else makeNode(path, entry, entry.type as NodeType);
  lchownSync(fsPath(path), uid, gid);
  if (entry.type !== "symlink") chmodSync(fsPath(path), mode);
  applyXattrs(path, entry);
  setLinkTimes(cPath(path), timeOf(entry));
}

function makeNode(path: string, { mode, deviceMajor, deviceMinor }: TarEntry, type: NodeType): void {
  if (deviceMajor < 0 || deviceMajor > MAX_MAJOR || deviceMinor < 0 || deviceMinor > MAX_MINOR) {
    throw invalidLayer(`the device number ${deviceMajor}:${deviceMinor} is out of range`);
  }
  const device = type === "fifo" ? {} : { major: deviceMajor, minor: deviceMinor };
  mknod({ path: cPath(path), type, mode: mode & 0o777, ...device });
}

function applyDirectory(path: string, entry: TarEntry): void {
  lchownSync(fsPath(path), entry.uid, entry.gid);
  chmodSync(fsPath(path), entry.mode);
  applyXattrs(path, entry);
  setLinkTimes(cPath(path), timeOf(entry));
}

function applyXattrs(path: string, entry: TarEntry): void {
  for (const [name, value] of entry.xattrs) {
    if (!isHarmless(name)) continue;
    try {
      lsetxattr(cPath(path), name, value);
    } catch (error) {
      // Not every file system and file type takes every attribute; images are used without them everywhere.
      if (codeOf(error) !== "EOPNOTSUPP" && !(codeOf(error) === "EPERM" && name.startsWith("user."))) throw error;
    }
  }
}

// overlayfs reads `trusted.overlay.*` and `user.overlay.*` as its own: an image could point them at other layers.
function isHarmless(name: string): boolean {
  if (name.includes("\0")) return false;
  return name === "security.capability" || (name.startsWith("user.") && !name.startsWith("user.overlay."));
}

function checkOwner({ uid, gid }: TarEntry): void {
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id <= MAX_ID;
  if (!isId(uid) || !isId(gid)) throw invalidLayer(`the owner ${uid}:${gid} of an entry is out of range`);
}

function timeOf({ mtime }: TarEntry): FileTime {
  return mtime.seconds >= 0 && mtime.seconds <= MAX_TIME ? mtime : { seconds: 0, nanoseconds: 0 };
}
