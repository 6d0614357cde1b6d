import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * Returns the text of a regular file in a container's root file system, or undefined where there is none. Symbolic links
 * lead where they would inside the container. Nobody may be changing the root meanwhile. Throws `RangeError` past `maxBytes`.
 */
export function readFileInRootfs(rootfs: string, path: string, maxBytes: number): string | undefined {
  const inside = resolveInRootfs(rootfs, path);
  if (inside === undefined) return undefined;
  const host = join(rootfs, inside);
  const stat = lstatSync(host, { throwIfNoEntry: false });
  // Opening anything else (a pipe, a device) could block, or do something.
  if (stat === undefined || !stat.isFile()) return undefined;
  const fd = openSync(host, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (fstatSync(fd).size > maxBytes)
      throw new RangeError(`Cannot read "${path}" of the image: larger than ${maxBytes} bytes`);
    const buffer = Buffer.alloc(maxBytes);
    return buffer.toString("utf8", 0, readSync(fd, buffer, 0, maxBytes, 0));
  } finally {
    closeSync(fd);
  }
}

/** Returns where `path` leads inside a root file system, symbolic links followed within it, or undefined where they loop. */
export function resolveInRootfs(rootfs: string, path: string): string | undefined {
  const left = path.split("/").filter(Boolean);
  let links = 0;
  let resolved = "/";
  for (let part = left.shift(); part !== undefined; part = left.shift()) {
    // From the root, `..` leads to the root: no path leaves it.
    const next = posix.join(resolved, part);
    const stat = part === ".." ? undefined : lstatSync(join(rootfs, next), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink() !== true) {
      resolved = next;
      continue;
    }
    if (++links > MAX_LINKS) return undefined;
    const target = readlinkSync(join(rootfs, next));
    if (target.startsWith("/")) resolved = "/";
    left.unshift(...target.split("/").filter((name) => name !== "" && name !== "."));
  }
  return resolved;
}

// The kernel's own limit (path_resolution(7)).
const MAX_LINKS = 40;
