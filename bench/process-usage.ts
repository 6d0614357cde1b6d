import { readdirSync, readFileSync } from "node:fs";

/** Returns the processor seconds of a process, what it waited for, and its living descendants. */
export function cpuSecondsOf(pid: number): number {
  let ticks = 0;
  for (const [, stat] of processTree(pid)) ticks += stat.ticks;
  return ticks / TICKS_PER_SECOND;
}

/** Samples the summed proportional memory of process trees until it is stopped; returns the peak in MB. */
export function watchMemory(pids: () => readonly number[]): { stop(): number } {
  let peak = 0;
  const sample = () => {
    const trees = pids().flatMap((pid) => [...processTree(pid).keys()]);
    peak = Math.max(peak, trees.reduce((sum, pid) => sum + proportionalKilobytes(pid), 0) / 1000);
  };
  const timer = setInterval(sample, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return peak;
    },
  };
}

interface ProcessStat {
  readonly parent: number;
  readonly ticks: number;
}

// What sysconf(_SC_CLK_TCK) is on every Linux.
const TICKS_PER_SECOND = 100;

function processTree(root: number): Map<number, ProcessStat> {
  const all = new Map<number, ProcessStat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) all.set(Number(name), stat);
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined; at = all.get(at)?.parent) if (at === root) return true;
    return false;
  };
  return new Map([...all].filter(([pid]) => isBelow(pid)));
}

function statOf(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the fields after it are numbers.
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields === undefined) return undefined;
  return { parent: Number(fields[1]), ticks: fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) };
}

function proportionalKilobytes(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1] ?? 0) * 1.024;
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // The process has ended.
    return undefined;
  }
}
