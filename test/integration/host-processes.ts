import { readdirSync, readFileSync } from "node:fs";

/** Returns the ids of all processes of this host whose environment has the assignment `NAME=value`. */
export function pidsWithEnvironment(assignment: string): number[] {
  return pidsWhere((pid) => readProc(pid, "environ").split("\0").includes(assignment));
}

/** Returns those of them that are the first process of their container: the ones that stay as long as it does. */
export function containersWithEnvironment(assignment: string): number[] {
  return pidsWithEnvironment(assignment).filter((pid) => /^NSpid:.*\t1$/m.test(readProc(pid, "status")));
}

/** Returns the ids of all processes of this host with this program name whose arguments include the text. */
export function pidsOfProgram(program: string, argument: string): number[] {
  return pidsWhere((pid) => {
    const isProgram = readProc(pid, "comm").trim() === program;
    return isProgram && readProc(pid, "cmdline").includes(argument);
  });
}

/** Whether a process with this id runs; one that has ended and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  const stat = readProc(pid, "stat");
  const state = stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  return state !== "" && state !== "Z" && state !== "X";
}

/** Sends SIGKILL and returns at once. */
export function killNow(pid: number | undefined): void {
  if (pid === undefined) throw new Error("Cannot kill: there is no such process");
  process.kill(pid, "SIGKILL");
}

function pidsWhere(matches: (pid: number) => boolean): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter(matches);
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
