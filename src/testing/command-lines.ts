import { readdirSync, readFileSync } from "node:fs";

/** Returns the command line of every process of this host, its arguments joined by spaces. */
export function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(commandLineOf)
    .filter((line) => line !== "");
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trimEnd();
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
