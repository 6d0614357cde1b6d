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

/** Returns a byte-string path as what C functions take. Throws `LAYER_INVALID` where the bytes are not UTF-8. */
export function cPath(path: string): string {
  if (isAscii(path)) return `/${path}`;
  const bytes = Buffer.from(`/${path}`, "latin1");
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes))
    throw invalidLayer("the name of a device or of a file with attributes is not UTF-8");
  return text;
}

function isAscii(text: string): boolean {
  return !/[\u0080-\u00ff]/.test(text);
}
