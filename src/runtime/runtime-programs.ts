import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import type { CgroupLayout } from "../linux/cgroup-layout.ts";
import { RuntimeError } from "./runtime-error.ts";

/** Where the programs are that hold containers. */
export interface RuntimePrograms {
  /** `runc`, or `crun` where only that is installed. */
  readonly runtime: string;
  readonly conmon: string;
}

/** Finds the OCI runtime and conmon on this machine. Throws `RuntimeError` (`PROGRAM_MISSING`). */
export function findRuntimePrograms(layout: CgroupLayout): RuntimePrograms {
  // crun refuses hosts whose cgroups are hybrid; runc works on all.
  const names = layout.version === "v2" ? ["runc", "crun"] : ["runc"];
  return { runtime: findProgram(names, "an OCI runtime"), conmon: findProgram(["conmon"], "conmon") };
}

// Beyond the PATH, which under sudo or cron may lack them.
const DIRECTORIES = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/usr/libexec/podman",
];

function findProgram(names: readonly string[], what: string): string {
  const directories = [...(process.env["PATH"] ?? "").split(":").filter(Boolean), ...DIRECTORIES];
  const candidates = names.flatMap((name) => directories.map((directory) => join(directory, name)));
  const found = candidates.find(isExecutable);
  if (found !== undefined) return found;
  throw new RuntimeError("PROGRAM_MISSING", `Cannot run containers: ${what} (${names.join(" or ")}) is not installed`, {
    hint: `Install the package ${names[0]} of your distribution`,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
