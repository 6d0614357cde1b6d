import { type CPath, cPathOf } from "../../linux/c-path.ts";
import { invalidLayer } from "../snapshot-error.ts";

const MAX_PATH_BYTES = 4096;
const MAX_NAME_BYTES = 255;

/**
 * Returns a name of an archive as a path relative to the layer's root, lexically cleaned: no empty part, no `.`, and `..`
 * never above the root, where it stays as in `/..`. The root itself is the empty string. Throws `LAYER_INVALID` for names
 * that no file can have.
 */
export function cleanEntryPath(name: string): string {
  if (name.length > MAX_PATH_BYTES) throw invalidLayer(`a path is longer than ${MAX_PATH_BYTES} bytes`);
  if (name.includes("\0")) throw invalidLayer("a path holds a NUL character");
  const parts: string[] = [];
  for (const part of name.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
    if (part.length > MAX_NAME_BYTES) throw invalidLayer(`a file name is longer than ${MAX_NAME_BYTES} bytes`);
  }
  return parts.join("/");
}

/** Returns the path of the directory that holds `path`, empty for the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function baseNameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function joinPath(parent: string, name: string): string {
  return parent === "" ? name : `${parent}/${name}`;
}

/** Returns a byte-string path as what `node:fs` takes, absolute: after a chroot, the root is the layer's. */
export function fsPath(path: string): string | Buffer {
  return isAscii(path) ? `/${path}` : Buffer.from(`/${path}`, "latin1");
}

/** Returns the same for C functions. */
export function cPath(path: string): CPath {
  return isAscii(path) ? `/${path}` : cPathOf(Buffer.from(`/${path}`, "latin1"));
}

function isAscii(text: string): boolean {
  return !/[\u0080-\u00ff]/.test(text);
}
