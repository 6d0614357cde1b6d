import { futimesSync } from "node:fs";

import { type CPath, formatCPath } from "./c-path.ts";
import { cFunction, checked } from "./syscalls.ts";

/** A moment on a file system: whole seconds since the epoch, and nanoseconds (0 to 999,999,999) after them. */
export interface FileTime {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Sets both times of an open file, to the nanosecond, which `node:fs` rounds. */
export function setFileTimes(fd: number, time: FileTime): void {
  if (time.nanoseconds === 0) futimesSync(fd, time.seconds, time.seconds);
  else checked(cFutimens(fd, timespecs(time)), "set the times of a file");
}

/** Sets both times of `path` itself, also where it is a symbolic link, to the nanosecond. */
export function setLinkTimes(path: CPath, time: FileTime): void {
  const result = cUtimensat(AT_FDCWD, path, timespecs(time), AT_SYMLINK_NOFOLLOW);
  checked(result, `set the times of "${formatCPath(path)}"`);
}

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;

const cFutimens = cFunction("int futimens(int, const void *)");
const cUtimensat = cFunction("int utimensat(int, const char *, const void *, int)");

/** Access and modification time, as two `struct timespec` of 64-bit Linux. */
function timespecs({ seconds, nanoseconds }: FileTime): Buffer {
  const buffer = Buffer.alloc(32);
  for (const at of [0, 16]) {
    buffer.writeBigInt64LE(BigInt(seconds), at);
    buffer.writeBigInt64LE(BigInt(nanoseconds), at + 8);
  }
  return buffer;
}
