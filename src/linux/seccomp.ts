import { existsSync } from "node:fs";

/** Says whether this kernel filters system calls for us. */
export function hasSeccomp(): boolean {
  return existsSync("/proc/sys/kernel/seccomp/actions_avail");
}
