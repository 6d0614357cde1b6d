import { constants } from "node:os";

import { CodedError } from "../base/coded-error.ts";

/** The kernel's error names: `ENOENT`, `EPERM`, … */
export type Errno = keyof typeof constants.errno | "EUNKNOWN";

/** A system call that failed; `code` is the errno's name, as in Node's own system errors. */
export class LinuxError extends CodedError<Errno> {}

/** Returns the name of an errno value. */
export function errnoName(value: number): Errno {
  const found = Object.entries(constants.errno).find(([, number]) => number === value);
  return found === undefined ? "EUNKNOWN" : (found[0] as Errno);
}
