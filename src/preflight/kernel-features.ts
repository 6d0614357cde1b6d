import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { release } from "node:os";
import { promisify } from "node:util";

export type CgroupMode = "v1" | "v2" | "hybrid";

/** Returns how control groups are mounted, undefined where they are not or where a controller that limits need is missing. */
export async function cgroupMode(root = "/sys/fs/cgroup"): Promise<CgroupMode | undefined> {
  if (await exists(`${root}/cgroup.controllers`)) return "v2";
  const controllers = await Promise.all(["memory", "cpu", "pids"].map((name) => exists(`${root}/${name}`)));
  if (controllers.includes(false)) return undefined;
  return (await exists(`${root}/unified/cgroup.procs`)) ? "hybrid" : "v1";
}

/** Returns what the kernel lacks for running containers, each in words for the user. */
export async function missingKernelFeatures(): Promise<string[]> {
  const missing = await Promise.all([missingNamespaces(), missingOverlay(), missingCgroups(), missingSeccomp()]);
  return missing.flat();
}

async function missingNamespaces(): Promise<string[]> {
  const kinds = ["net", "ipc", "uts", "mnt", "pid"];
  const present = await Promise.all(kinds.map((kind) => exists(`/proc/self/ns/${kind}`)));
  const absent = kinds.filter((_, index) => present[index] !== true);
  return absent.length === 0 ? [] : [`namespaces (${absent.join(", ")}) are not in kernel ${release()}`];
}

async function missingOverlay(): Promise<string[]> {
  if (await knowsFilesystem("overlay")) return [];
  // A module that nobody asked for yet; without modprobe, mount(2) asks for it too, so its file is enough.
  await promisify(execFile)("modprobe", ["overlay"]).catch(() => {});
  if (await knowsFilesystem("overlay")) return [];
  return [`the overlay file system is not in kernel ${release()} (tried: modprobe overlay)`];
}

async function knowsFilesystem(name: string): Promise<boolean> {
  const text = await readFile("/proc/filesystems", "utf8").catch(() => "");
  return text.split("\n").some((line) => line.trim().split(/\s+/).at(-1) === name);
}

async function missingCgroups(): Promise<string[]> {
  if ((await cgroupMode()) !== undefined) return [];
  return ["control groups are not mounted at /sys/fs/cgroup, or the cpu, memory and pids controllers are off"];
}

async function missingSeccomp(): Promise<string[]> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return /^Seccomp:/m.test(status) ? [] : [`seccomp is not in kernel ${release()}`];
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
