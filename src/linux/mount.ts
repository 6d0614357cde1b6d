import { readFileSync } from "node:fs";

import { checked, cFunction, lastErrno, linuxError } from "./syscalls.ts";

/** Flags of mount(2), by their names without `MS_`. */
export const MOUNT_FLAGS = {
  rdonly: 0x1,
  nosuid: 0x2,
  nodev: 0x4,
  noexec: 0x8,
  remount: 0x20,
  noatime: 0x400,
  bind: 0x1000,
  move: 0x2000,
  rec: 0x4000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
  relatime: 0x200000,
} as const;

export type MountFlag = keyof typeof MOUNT_FLAGS;

export interface MountRequest {
  /** What is mounted: a device, a path for a bind mount, or a word for file systems without one. */
  readonly source: string;
  /** Where: an existing directory, or file for a bind mount of a file. */
  readonly target: string;
  /** The file system type; empty for bind and remount. */
  readonly type?: string;
  readonly flags?: readonly MountFlag[];
  /** The file system's own options, at most one page (4095 bytes). */
  readonly data?: string;
}

/** Mounts a file system. Throws `LinuxError`. */
export function mount(request: MountRequest): void {
  const { source, target, type, flags = [], data } = request;
  const bits = flags.reduce((sum, flag) => sum | MOUNT_FLAGS[flag], 0);
  checked(cMount(source, target, type ?? null, bits, data ?? null), `mount "${source}" on "${target}"`);
}

/** Makes `source` visible at `target` too; read-only where asked, which the kernel does in a second step. */
export function bindMount(source: string, target: string, options: { readonly readonly?: boolean } = {}): void {
  mount({ source, target, flags: ["bind"] });
  if (options.readonly === true) mount({ source: "none", target, flags: ["bind", "remount", "rdonly"] });
}

export interface UmountOptions {
  /** Takes the mount out of the tree now and frees it when its last user goes (`MNT_DETACH`). */
  readonly detach?: boolean;
}

/** Unmounts what is on top at `target`; a symbolic link is not followed. Returns false when nothing is mounted there. */
export function umount(target: string, options: UmountOptions = {}): boolean {
  const result = cUmount2(target, UMOUNT_NOFOLLOW | (options.detach === true ? MNT_DETACH : 0));
  if (result === 0) return true;
  const errno = lastErrno();
  const error = linuxError(errno, `unmount "${target}"`);
  if (error.code === "EINVAL" || error.code === "ENOENT") return false;
  throw error;
}

/** One line of `/proc/self/mountinfo`. */
export interface MountInfo {
  readonly mountId: number;
  readonly root: string;
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
  readonly options: string;
  readonly superOptions: string;
}

/** Returns the mounts that this process sees, in the kernel's order. */
export function listMounts(): MountInfo[] {
  return parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** Returns the mount points at or below `directory`, deepest first: the order to unmount them in. */
export function mountPointsUnder(directory: string): string[] {
  const points = listMounts().map((entry) => entry.mountPoint);
  return points.filter((point) => point === directory || point.startsWith(`${directory}/`)).toReversed();
}

/** Parses proc(5)'s mountinfo. */
export function parseMountInfo(text: string): MountInfo[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseMountInfoLine);
}

const MNT_DETACH = 2;
const UMOUNT_NOFOLLOW = 8;

const cMount = cFunction("int mount(const char *, const char *, const char *, unsigned long, const char *)");
const cUmount2 = cFunction("int umount2(const char *, int)");

function parseMountInfoLine(line: string): MountInfo {
  const [before = "", after = ""] = line.split(" - ");
  const [mountId = "", , , root = "", mountPoint = "", options = ""] = before.split(" ");
  const [type = "", source = "", superOptions = ""] = after.split(" ");
  return {
    mountId: Number(mountId),
    root: unescapeOctal(root),
    mountPoint: unescapeOctal(mountPoint),
    type,
    source: unescapeOctal(source),
    options,
    superOptions,
  };
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
