import { lstatSync, mkdirSync, readlinkSync, rmSync, type Stats, unlinkSync } from "node:fs";

import { lsetxattr, mknod } from "../../linux/filesystem.ts";
import { invalidLayer } from "../snapshot-error.ts";
import { baseNameOf, cPath, fsPath, joinPath, parentOf } from "./entry-path.ts";

const MAX_SYMLINKS = 40;
const MAX_KNOWN = 50_000;

/**
 * The tree of one layer while it is being written, seen from a process whose root it is. Paths are byte strings relative
 * to that root. Knows which directories the layer does not mention, and where it hides what lies below.
 */
export class LayerTree {
  readonly #resolved = new Map<string, string>();
  readonly #whiteouts = new Set<string>();
  readonly #opaque = new Set<string>();
  readonly #implicit = new Set<string>([""]);

  /** Directories that had to be made for what is in them, though the layer has no entry for them; the root is the empty path. */
  get implicitDirectories(): readonly string[] {
    return [...this.#implicit].filter((path) => !this.#opaque.has(path));
  }

  /** Whether the layer hides everything below it. */
  get isOpaque(): boolean {
    return this.#opaque.has("");
  }

  /**
   * Returns where the directory `path` really is: symbolic links on the way are followed within the root, as the kernel
   * would, and what is missing is made. Throws `LAYER_INVALID` where something else is in the way.
   */
  resolveDirectory(path: string): string {
    if (path === "") return "";
    const known = this.#resolved.get(path);
    if (known !== undefined) return known;
    const found = this.#walk("", path.split("/"));
    if (this.#resolved.size > MAX_KNOWN) this.#resolved.clear();
    this.#resolved.set(path, found);
    return found;
  }

  /** Returns the real path of an entry: only the directories on the way are resolved, not the entry itself. */
  resolveEntry(path: string): string {
    return joinPath(this.resolveDirectory(parentOf(path)), baseNameOf(path));
  }

  /** Makes the directory at a resolved path, in place of anything that is no directory. */
  makeDirectory(path: string): void {
    this.#implicit.delete(path);
    if (path === "") return;
    const existing = statOf(path);
    if (existing?.isDirectory() === true) return;
    const wasWhiteout = this.#whiteouts.has(path);
    if (existing !== undefined) this.clear(path);
    mkdirSync(fsPath(path), 0o755);
    // The layer removes what is below and puts a directory there: nothing of the one below may show through.
    if (wasWhiteout) this.makeOpaque(path);
  }

  /** Removes whatever is at a resolved path, with all below it. Returns whether there was a directory. */
  clear(path: string): boolean {
    if (path === "") throw invalidLayer("an entry would replace the root");
    const existing = statOf(path);
    if (existing === undefined) return false;
    this.#resolved.clear();
    this.#whiteouts.delete(path);
    if (!existing.isDirectory()) {
      unlinkSync(fsPath(path));
      return false;
    }
    rmSync(fsPath(path), { recursive: true });
    for (const set of [this.#whiteouts, this.#opaque, this.#implicit]) forgetBelow(set, path);
    return true;
  }

  /** Hides what lies below at a resolved path. What this layer itself has there stays. */
  whiteOut(path: string): void {
    if (path === "") throw invalidLayer("a whiteout names the root");
    const existing = statOf(path);
    if (existing === undefined) {
      mknod({ path: cPath(path), type: "character", mode: 0, major: 0, minor: 0 });
      this.#whiteouts.add(path);
    } else if (existing.isDirectory()) this.makeOpaque(path);
  }

  /** Hides all entries below of the directory at a resolved path. */
  makeOpaque(path: string): void {
    this.#opaque.add(path);
    if (path !== "") lsetxattr(cPath(path), "trusted.overlay.opaque", Buffer.from("y"));
  }

  #walk(start: string, parts: readonly string[]): string {
    let current = start;
    let links = 0;
    const pending = parts.toReversed();
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        current = parentOf(current);
        continue;
      }
      const next = joinPath(current, part);
      const target = this.#enter(next);
      if (target === undefined) {
        current = next;
        continue;
      }
      if (++links > MAX_SYMLINKS) throw invalidLayer("there are too many symbolic links on the way to an entry");
      if (target.startsWith("/")) current = "";
      pending.push(...target.split("/").toReversed());
    }
    return current;
  }

  /** Returns the target where `path` is a symbolic link; otherwise sees to it that it is a directory. */
  #enter(path: string): string | undefined {
    const existing = statOf(path);
    if (existing?.isSymbolicLink() === true) return readlinkSync(fsPath(path), "latin1");
    if (existing?.isDirectory() === true) return undefined;
    if (existing !== undefined && !this.#whiteouts.has(path))
      throw invalidLayer("a parent of an entry is no directory");
    this.makeDirectory(path);
    this.#implicit.add(path);
    return undefined;
  }
}

/** Returns what is at a resolved path, or undefined; never follows a link. */
export function statOf(path: string): Stats | undefined {
  // Without a throw: making an error takes longer than the look.
  return lstatSync(fsPath(path), { throwIfNoEntry: false });
}

function forgetBelow(paths: Set<string>, removed: string): void {
  for (const path of paths) {
    if (path === removed || path.startsWith(`${removed}/`)) paths.delete(path);
  }
}
