import { closeSync } from "node:fs";
import { constants } from "node:os";

import { type ProcessIdentity, isRunning } from "./procfs.ts";
import { cFunction, lastErrno, linuxError } from "./syscalls.ts";

/**
 * Returns the number of a signal written as a name with or without `SIG` (`SIGTERM`, `usr1`, `SIGRTMIN+3`) or as a number, or
 * undefined for anything else.
 */
export function parseSignal(text: string): number | undefined {
  if (/^[1-9]\d?$/.test(text)) return inRange(Number(text));
  const name = text.toUpperCase().replace(/^(?!SIG)/, "SIG");
  const realTime = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name);
  if (realTime !== null) return realTimeSignal(realTime);
  return (constants.signals as Readonly<Record<string, number>>)[name];
}

/** Returns the name of a signal, as `SIGTERM` or `SIGRTMIN+3`. */
export function formatSignal(number: number): string {
  if (number >= SIGRTMIN) return number === SIGRTMIN ? "SIGRTMIN" : `SIGRTMIN+${number - SIGRTMIN}`;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? `SIG${number}`;
}

/** Signals that very process, never another that got its pid. Returns false where it no longer runs. */
export function signalProcess(identity: ProcessIdentity, signal: number): boolean {
  const fd = cPidfdOpen(SYS_PIDFD_OPEN, identity.pid, 0);
  if (fd < 0) return notRunning(`signal process ${identity.pid}`);
  try {
    // The descriptor holds on to one process: when it is the right one now, it stays the right one.
    if (!isRunning(identity)) return false;
    const result = cPidfdSendSignal(SYS_PIDFD_SEND_SIGNAL, fd, signal, null, 0);
    return result === 0 || notRunning(`signal process ${identity.pid}`);
  } finally {
    closeSync(fd);
  }
}

// signal(7): the C library keeps 32 and 33 for itself.
const SIGRTMIN = 34;
const SIGRTMAX = 64;

// The same numbers on every architecture.
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

const cPidfdOpen = cFunction("long syscall(long, int, unsigned int)");
const cPidfdSendSignal = cFunction("long syscall(long, int, int, void *, unsigned int)");

function realTimeSignal(match: RegExpExecArray): number | undefined {
  const [, end, sign, offset = "0"] = match;
  const base = end === "MIN" ? SIGRTMIN : SIGRTMAX;
  return inRange(sign === "-" ? base - Number(offset) : base + Number(offset));
}

function inRange(number: number): number | undefined {
  return number >= 1 && number <= SIGRTMAX ? number : undefined;
}

function notRunning(action: string): false {
  const error = linuxError(lastErrno(), action);
  if (error.code === "ESRCH") return false;
  throw error;
}
