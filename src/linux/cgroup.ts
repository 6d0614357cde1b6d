import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { codeOf } from "../base/coded-error.ts";
import type { CgroupHierarchy, CgroupLayout } from "./cgroup-layout.ts";

/** Makes a cgroup and its parents in every hierarchy; controllers are handed down to it. Idempotent. */
export function createCgroup(layout: CgroupLayout, path: string): void {
  for (const hierarchy of layout.hierarchies) {
    if (layout.version === "v2") delegateControllers(hierarchy, path);
    mkdirSync(cgroupDirectory(hierarchy, path), { recursive: true });
    if (hierarchy.controllers.includes("cpuset") && layout.version === "v1") inheritCpuset(hierarchy, path);
  }
}

/** Moves a process, with its threads, into a cgroup in every hierarchy. The kernel takes its time (10 ms) for the first. */
export async function addToCgroup(layout: CgroupLayout, path: string, pid: number): Promise<void> {
  for (const hierarchy of layout.hierarchies) {
    await writeFile(join(cgroupDirectory(hierarchy, path), "cgroup.procs"), String(pid));
  }
}

/** Returns the processes in a cgroup and those below it. */
export function processesInCgroup(layout: CgroupLayout, path: string): number[] {
  const directories = layout.hierarchies.flatMap((hierarchy) => subtree(cgroupDirectory(hierarchy, path)));
  const pids = directories.flatMap((directory) => readLines(join(directory, "cgroup.procs")).map(Number));
  return [...new Set(pids)];
}

/** Removes a cgroup and those below it. Returns false while processes keep some of it. Idempotent. */
export function removeCgroup(layout: CgroupLayout, path: string): boolean {
  const directories = layout.hierarchies.flatMap((hierarchy) => subtree(cgroupDirectory(hierarchy, path)));
  return directories.map(removeDirectory).every(Boolean);
}

/** Kills every process in a cgroup and below it, and removes it. Returns false where some were left after `timeoutMs`. */
export async function killCgroup(layout: CgroupLayout, path: string, timeoutMs = 5000): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (!removeCgroup(layout, path)) {
    if (performance.now() > deadline) return false;
    for (const pid of processesInCgroup(layout, path)) killProcess(pid);
    await delay(10);
  }
  return true;
}

/** Returns the directory of a cgroup. `path` is absolute within the hierarchy and may not leave it. */
export function cgroupDirectory(hierarchy: CgroupHierarchy, path: string): string {
  return join(hierarchy.mountPoint, posix.normalize(`/${path}`));
}

/** Controllers that limits and accounting of pods need. */
const POD_CONTROLLERS = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];

/** On v2 a cgroup has only the controllers that each of its ancestors hands down. */
function delegateControllers(hierarchy: CgroupHierarchy, path: string): void {
  const wanted = hierarchy.controllers.filter((controller) => POD_CONTROLLERS.includes(controller));
  const parts = posix
    .dirname(posix.normalize(`/${path}`))
    .split("/")
    .filter(Boolean);
  let directory = hierarchy.mountPoint;
  for (const part of ["", ...parts]) {
    directory = join(directory, part);
    mkdirSync(directory, { recursive: true });
    enableControllers(directory, wanted);
  }
}

function enableControllers(directory: string, controllers: readonly string[]): void {
  const file = join(directory, "cgroup.subtree_control");
  const enabled = new Set(readLines(file).flatMap((line) => line.split(" ")));
  const missing = controllers.filter((controller) => !enabled.has(controller));
  if (missing.length === 0) return;
  const enable = (): void => writeFileSync(file, missing.map((controller) => `+${controller}`).join(" "));
  try {
    enable();
  } catch (error) {
    // A cgroup cannot hand controllers down while processes are in it: inside a container, the root of what we see
    // is such a cgroup, with us in it. They move to a leaf.
    if (codeOf(error) !== "EBUSY") throw error;
    moveToLeaf(directory);
    enable();
  }
}

function moveToLeaf(directory: string): void {
  const leaf = join(directory, "init");
  mkdirSync(leaf, { recursive: true });
  for (const pid of readLines(join(directory, "cgroup.procs"))) {
    try {
      writeFileSync(join(leaf, "cgroup.procs"), pid);
    } catch (error) {
      if (codeOf(error) !== "ESRCH" && codeOf(error) !== "EINVAL") throw error;
    }
  }
}

/** On v1 a new cpuset is empty and takes no process until it has what its parent has. */
function inheritCpuset(hierarchy: CgroupHierarchy, path: string): void {
  let directory = hierarchy.mountPoint;
  for (const part of posix.normalize(`/${path}`).split("/").filter(Boolean)) {
    directory = join(directory, part);
    for (const name of ["cpuset.cpus", "cpuset.mems"]) {
      const file = join(directory, name);
      if (readFileSync(file, "utf8").trim() !== "") continue;
      writeFileSync(file, readFileSync(join(dirname(directory), name), "utf8").trim());
    }
  }
}

/** Returns a directory and those below it, deepest first. */
function subtree(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const children = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap((child) => subtree(join(directory, child.name))), directory];
}

function removeDirectory(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    return codeOf(error) === "ENOENT";
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // ESRCH: it ended meanwhile.
  }
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    // The cgroup was removed meanwhile.
    return [];
  }
}
