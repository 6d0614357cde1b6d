import { readFileSync } from "node:fs";

/** A process that stays itself when its number is given to another: its pid, when it started, and in which boot. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, as proc(5) gives them. */
  readonly startTime: string;
  readonly bootId: string;
}

/** Returns the identity of the process that has this pid now, or undefined where none runs. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return undefined;
  return { pid, startTime: stat.startTime, bootId: bootId() };
}

/** Says whether that very process still runs. A zombie does not. */
export function isRunning(identity: ProcessIdentity): boolean {
  const now = identityOf(identity.pid);
  return now !== undefined && now.startTime === identity.startTime && now.bootId === identity.bootId;
}

/** Returns the kernel's random id of this boot. */
export function bootId(): string {
  currentBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return currentBootId;
}

/** Returns the OOM score adjustment of this process, the least that a process without CAP_SYS_RESOURCE may set. */
export function ownOomScoreAdj(): number {
  return Number(readProcFile("/proc/self/oom_score_adj") ?? 0);
}

let currentBootId: string | undefined;

interface Stat {
  readonly state: string;
  readonly startTime: string;
}

function readStat(pid: number): Stat | undefined {
  const text = readProcFile(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the program's name in parentheses, which may hold blanks and parentheses itself.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", startTime: fields[19] ?? "" };
}

function readProcFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // ENOENT or ESRCH: the process ended.
    return undefined;
  }
}
