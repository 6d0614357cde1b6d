import { type CPath, formatCPath } from "./c-path.ts";
import { LinuxError } from "./linux-error.ts";
import { checked, cFunction, cFunctionOnThread, lastErrno, linuxError } from "./syscalls.ts";

/** What mknod(2) makes. */
export type NodeType = "file" | "fifo" | "character" | "block" | "socket";

export interface NodeRequest {
  readonly path: CPath;
  readonly type: NodeType;
  /** Permission bits; the umask narrows them. */
  readonly mode: number;
  /** Device number; 0:0 is overlayfs' whiteout. */
  readonly major?: number;
  readonly minor?: number;
}

/** Makes a device, fifo, socket or empty file. Throws `LinuxError` (`EEXIST`, `EPERM`). */
export function mknod(request: NodeRequest): void {
  const { path, type, mode, major = 0, minor = 0 } = request;
  checked(cMknod(path, NODE_TYPES[type] | mode, makeDevice(major, minor)), `make the node "${formatCPath(path)}"`);
}

/** Returns Linux' 64-bit device number (`makedev`). Throws `RangeError` for numbers that no device can have. */
export function makeDevice(major: number, minor: number): bigint {
  if (!isDevicePart(major, 0xfff) || !isDevicePart(minor, 0xfffff)) {
    throw new RangeError(`Cannot make device number ${major}:${minor}: out of range`);
  }
  const high = BigInt(major);
  const low = BigInt(minor);
  return (low & 0xffn) | (high << 8n) | ((low & 0xfff00n) << 12n);
}

/** Sets an extended attribute of `path` itself, also where it is a symbolic link. */
export function lsetxattr(path: CPath, name: string, value: Uint8Array): void {
  checked(cLsetxattr(path, name, value, value.byteLength, 0), `set the attribute "${name}" of "${formatCPath(path)}"`);
}

/** Returns an extended attribute of `path` itself, or undefined where it has none of that name. */
export function lgetxattr(path: CPath, name: string): Buffer | undefined {
  const buffer = Buffer.alloc(MAX_XATTR_BYTES);
  const size = cLgetxattr(path, name, buffer, buffer.byteLength);
  if (size >= 0) return Buffer.from(buffer.subarray(0, size));
  const error = linuxError(lastErrno(), `read the attribute "${name}" of "${formatCPath(path)}"`);
  if (error.code === "ENODATA" || error.code === "EOPNOTSUPP") return undefined;
  throw error;
}

/** Returns the names of the extended attributes of `path` itself. */
export function llistxattr(path: CPath): string[] {
  const buffer = Buffer.alloc(MAX_XATTR_BYTES);
  const size = checked(cLlistxattr(path, buffer, buffer.byteLength), `list the attributes of "${formatCPath(path)}"`);
  return buffer
    .toString("utf8", 0, size)
    .split("\0")
    .filter((name) => name !== "");
}

/** Removes an extended attribute of `path` itself. */
export function lremovexattr(path: string, name: string): void {
  checked(cLremovexattr(path, name), `remove the attribute "${name}" of "${path}"`);
}

/** Writes out everything dirty on the file system that holds the open file `fd`, on a thread of its own. Throws `LinuxError`. */
export async function syncfs(fd: number): Promise<void> {
  if ((await cSyncfs(fd)) < 0) throw new LinuxError("EIO", "Cannot sync a file system: what was written may be lost");
}

/** Changes this process' root directory, for all its threads; `chdir` into it separately. */
export function chroot(path: string): void {
  checked(cChroot(path), `change the root to "${path}"`);
}

/** Changes this process' working directory to the open directory `fd`, which may lie outside its root. */
export function fchdir(fd: number): void {
  checked(cFchdir(fd), "change the working directory");
}

/** Makes `newRoot`, a mount point, the root mount and puts the old one at `putOld`. */
export function pivotRoot(newRoot: string, putOld: string): void {
  const result = cSyscall(process.arch === "arm64" ? 41 : 155, newRoot, putOld);
  checked(result, `pivot the root to "${newRoot}"`);
}

/** Takes (or fails to take) an advisory lock on a whole open file. Returns false where another holder keeps it. */
export function tryFlock(fd: number): boolean {
  if (cFlock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const error = linuxError(lastErrno(), "lock a file");
  if (error.code === "EAGAIN") return false;
  throw error;
}

const NODE_TYPES = {
  fifo: 0o010000,
  character: 0o020000,
  block: 0o060000,
  file: 0o100000,
  socket: 0o140000,
} as const satisfies Record<NodeType, number>;

// xattr(7): the kernel's limit for one value, and for one list of names.
const MAX_XATTR_BYTES = 65_536;

const LOCK_EX = 2;
const LOCK_NB = 4;

const cMknod = cFunction("int mknod(const char *, unsigned int, uint64_t)");
const cLsetxattr = cFunction("int lsetxattr(const char *, const char *, const void *, size_t, int)");
const cLgetxattr = cFunction("long lgetxattr(const char *, const char *, void *, size_t)");
const cLlistxattr = cFunction("long llistxattr(const char *, void *, size_t)");
const cLremovexattr = cFunction("int lremovexattr(const char *, const char *)");
const cSyncfs = cFunctionOnThread("int syncfs(int)");
const cChroot = cFunction("int chroot(const char *)");
const cFchdir = cFunction("int fchdir(int)");
const cFlock = cFunction("int flock(int, int)");
const cSyscall = cFunction("long syscall(long, const char *, const char *)");

function isDevicePart(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}
