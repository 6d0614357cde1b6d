import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Device } from "../oci/runtime-config.ts";

/** Returns the devices below `/dev`, which a privileged container gets. */
export function hostDevices(directory = "/dev"): Device[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(path) ? [] : hostDevices(path);
    if (path === "/dev/console") return [];
    const device = deviceAt(path);
    return device === undefined ? [] : [device];
  });
}

/** Returns the device node at `path` on the host, or undefined where there is none. `as` is its path in the container. */
export function deviceAt(path: string, as = path): Device | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || (!stat.isCharacterDevice() && !stat.isBlockDevice())) return undefined;
  const number = BigInt(stat.rdev);
  return {
    path: as,
    type: stat.isBlockDevice() ? "b" : "c",
    // makedev(3), backwards.
    major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn)),
    minor: Number((number & 0xffn) | ((number >> 12n) & ~0xffn)),
    fileMode: stat.mode & 0o7777,
    uid: stat.uid,
    gid: stat.gid,
  };
}

// Made anew in each container, or links into /proc.
const SKIPPED: ReadonlySet<string> = new Set(["/dev/pts", "/dev/shm", "/dev/fd", "/dev/mqueue", "/dev/hugepages"]);
