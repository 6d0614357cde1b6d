import { closeSync, openSync, rmSync, writeFileSync } from "node:fs";

import { bindMount, umount } from "./mount.ts";
import { cFunction, checked } from "./syscalls.ts";

/** The namespaces that one thread can leave and come back to, so that a pod's can be made without a process. */
export type PinnableNamespace = "net" | "ipc" | "uts";

/** Where to pin which new namespace. */
export type NamespacePins = Partial<Readonly<Record<PinnableNamespace, string>>>;

/**
 * Makes new namespaces and keeps each alive by a bind mount at its path, without a process inside. `inside` runs in them:
 * it must do all it does synchronously. Throws `LinuxError`; then nothing stays pinned.
 */
export function pinNewNamespaces(pins: NamespacePins, inside: () => void = () => {}): void {
  const entries = Object.entries(pins) as [PinnableNamespace, string][];
  const kinds = entries.map(([kind]) => kind);
  const pinned: string[] = [];
  insideOwn(kinds, () => {
    const flags = kinds.reduce((sum, kind) => sum | CLONE_FLAGS[kind], 0);
    checked(cUnshare(flags), `make new namespaces (${kinds.join(", ")})`);
    try {
      for (const [kind, path] of entries) {
        writeFileSync(path, "", { flag: "wx", mode: 0o600 });
        pinned.push(path);
        bindMount(`/proc/thread-self/ns/${kind}`, path);
      }
      inside();
    } catch (error) {
      for (const path of pinned) unpinNamespace(path);
      throw error;
    }
  });
}

/** Lets a pinned namespace go; the kernel frees it with its last process. Idempotent. */
export function unpinNamespace(path: string): void {
  while (umount(path, { detach: true }));
  rmSync(path, { force: true });
}

/** Runs `action`, which must be synchronous, in a pinned namespace and returns what it returns. */
export function insideNamespace<T>(kind: PinnableNamespace, path: string, action: () => T): T {
  const fd = openSync(path, "r");
  try {
    return insideOwn([kind], () => {
      checked(cSetns(fd, CLONE_FLAGS[kind]), `enter the namespace "${path}"`);
      return action();
    });
  } finally {
    closeSync(fd);
  }
}

/** Sets the host name of the current UTS namespace. */
export function setHostname(name: string): void {
  checked(cSethostname(name, Buffer.byteLength(name)), `set the host name "${name}"`);
}

/** Sets a kernel parameter as the current namespaces see it; `name` has dots. The name must have been checked. */
export function setSysctl(name: string, value: string): void {
  writeFileSync(sysctlPath(name), value);
}

/** Returns the file under `/proc/sys` of a kernel parameter written with dots. */
export function sysctlPath(name: string): string {
  return `/proc/sys/${name.replaceAll(".", "/")}`;
}

const CLONE_FLAGS = {
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  net: 0x4000_0000,
} as const satisfies Record<PinnableNamespace, number>;

const cUnshare = cFunction("int unshare(int)");
const cSetns = cFunction("int setns(int, int)");
const cSethostname = cFunction("int sethostname(const char *, size_t)");

/** Runs `action`, which may change this thread's namespaces of these kinds, and then comes back to the present ones. */
function insideOwn<T>(kinds: readonly PinnableNamespace[], action: () => T): T {
  const own = kinds.map((kind) => ({ kind, fd: openSync(`/proc/thread-self/ns/${kind}`, "r") }));
  try {
    return action();
  } finally {
    for (const { kind, fd } of own) {
      // A thread lost in a pod's namespace would serve its next caller from there: rather no process than that.
      if (cSetns(fd, CLONE_FLAGS[kind]) !== 0) process.abort();
      closeSync(fd);
    }
  }
}
