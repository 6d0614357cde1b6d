import { constants } from "node:os";

import { waitChild } from "./posix-spawn.ts";

/** How a process ended: by itself with `exitCode`, or by `signal` (then `exitCode` is 128 plus its number). */
export interface ExitStatus {
  readonly exitCode: number;
  readonly signal: NodeJS.Signals | undefined;
}

/**
 * Resolves when our child `pid` has ended, and reaps it. Call it once per child, from the main thread, whose SIGCHLD tells.
 * Keeps this process alive meanwhile unless `detached`.
 */
export async function exitOf(pid: number, detached = false): Promise<ExitStatus> {
  const { promise, resolve } = Promise.withResolvers<ExitStatus>();
  waiting.set(pid, { resolve, detached });
  if (waiting.size === 1) process.on("SIGCHLD", reap);
  scheduleSweep();
  reap();
  return await promise;
}

/** Returns the parts of a wait(2) status. */
export function exitStatus(waitStatus: number): ExitStatus {
  const number = waitStatus & 0x7f;
  if (number === 0) return { exitCode: (waitStatus >> 8) & 0xff, signal: undefined };
  return { exitCode: 128 + number, signal: signalName(number) };
}

interface Waiter {
  readonly resolve: (status: ExitStatus) => void;
  readonly detached: boolean;
}

// A signal can come before its child is in the map, and workers get none: look now and then as well.
const SWEEP_MS = 100;

const waiting = new Map<number, Waiter>();
let sweep: NodeJS.Timeout | undefined;

function reap(): void {
  for (const [pid, waiter] of waiting) {
    const status = waitChild(pid);
    if (status === undefined) continue;
    waiting.delete(pid);
    waiter.resolve(exitStatus(status));
  }
  if (waiting.size === 0) process.removeListener("SIGCHLD", reap);
  scheduleSweep();
}

function scheduleSweep(): void {
  if (waiting.size === 0) {
    clearInterval(sweep);
    sweep = undefined;
    return;
  }
  sweep ??= setInterval(reap, SWEEP_MS);
  if ([...waiting.values()].every((waiter) => waiter.detached)) sweep.unref();
  else sweep.ref();
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
