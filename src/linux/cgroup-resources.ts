import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { cgroupDirectory } from "./cgroup.ts";
import { type CgroupLayout, hierarchyFor } from "./cgroup-layout.ts";

/** Limits in cgroup v1's terms, as CRI has them; absent or 0 means none. */
export interface CgroupResources {
  readonly cpuShares?: number | undefined;
  /** Microseconds in each `cpuPeriod`. */
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly memoryLimitInBytes?: number | undefined;
  readonly pidsLimit?: number | undefined;
}

/** Sets limits of a cgroup that exists. Returns the controllers that this machine lacks for them. */
export function setCgroupResources(layout: CgroupLayout, path: string, resources: CgroupResources): string[] {
  const settings = layout.version === "v2" ? unifiedSettings(resources) : legacySettings(resources);
  const missing = new Set<string>();
  for (const { controller, file, value } of settings) {
    const hierarchy = hierarchyFor(layout, controller);
    if (hierarchy === undefined) missing.add(controller);
    else writeFileSync(join(cgroupDirectory(hierarchy, path), file), value);
  }
  return [...missing];
}

export interface CgroupUsage {
  readonly cpuNanoseconds: number;
  readonly memoryBytes: number;
  /** Memory without file pages that can be dropped at once. */
  readonly workingSetBytes: number;
}

/** Returns what a cgroup uses; zeros for what this machine does not count. */
export function readCgroupUsage(layout: CgroupLayout, path: string): CgroupUsage {
  const v2 = layout.version === "v2";
  const read = (controller: string, file: string): string => readCgroupFile(layout, { path, controller, file }) ?? "";
  const memoryBytes = Number(read("memory", v2 ? "memory.current" : "memory.usage_in_bytes"));
  const inactive = keyedNumber(read("memory", "memory.stat"), v2 ? "inactive_file" : "total_inactive_file");
  const cpuNanoseconds = v2
    ? keyedNumber(read("cpu", "cpu.stat"), "usage_usec") * 1000
    : Number(read("cpuacct", "cpuacct.usage"));
  return { cpuNanoseconds, memoryBytes, workingSetBytes: Math.max(0, memoryBytes - inactive) };
}

/** Returns how many processes of a cgroup the kernel has killed for want of memory. */
export function oomKills(layout: CgroupLayout, path: string): number {
  const file = layout.version === "v2" ? "memory.events" : "memory.oom_control";
  return keyedNumber(readCgroupFile(layout, { path, controller: "memory", file }) ?? "", "oom_kill");
}

/** Whether swap can be limited here; the kernel may be built or started without. */
export function canLimitSwap(layout: CgroupLayout): boolean {
  const hierarchy = hierarchyFor(layout, "memory");
  if (hierarchy === undefined) return false;
  if (layout.version === "v1") return existsSync(join(hierarchy.mountPoint, "memory.memsw.limit_in_bytes"));
  return existsSync("/proc/swaps") && readFileSync("/proc/swaps", "utf8").trim().split("\n").length > 1;
}

/** Returns v2's `cpu.weight` (1–10000) of v1's shares (2–262144), as runtime-spec's runtimes convert them. */
export function cpuWeight(shares: number): number {
  const bounded = Math.min(262_144, Math.max(2, shares));
  return Math.floor(1 + ((bounded - 2) * 9999) / 262_142);
}

interface Setting {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

const DEFAULT_CPU_PERIOD = 100_000;

function legacySettings(resources: CgroupResources): Setting[] {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimitInBytes, pidsLimit } = resources;
  return [
    ...setting("cpu", "cpu.shares", cpuShares),
    ...setting("cpu", "cpu.cfs_period_us", cpuPeriod),
    ...setting("cpu", "cpu.cfs_quota_us", cpuQuota),
    ...setting("memory", "memory.limit_in_bytes", memoryLimitInBytes),
    ...setting("pids", "pids.max", pidsLimit),
  ];
}

function unifiedSettings(resources: CgroupResources): Setting[] {
  const { cpuShares, cpuQuota = 0, cpuPeriod, memoryLimitInBytes, pidsLimit } = resources;
  const max = cpuQuota > 0 ? `${cpuQuota} ${cpuPeriod ?? DEFAULT_CPU_PERIOD}` : undefined;
  return [
    ...setting("cpu", "cpu.weight", cpuShares === undefined || cpuShares === 0 ? undefined : cpuWeight(cpuShares)),
    ...setting("cpu", "cpu.max", max),
    ...setting("memory", "memory.max", memoryLimitInBytes),
    ...setting("pids", "pids.max", pidsLimit),
  ];
}

function setting(controller: string, file: string, value: number | string | undefined): Setting[] {
  if (value === undefined || value === 0) return [];
  return [{ controller, file, value: String(value) }];
}

interface CgroupFile {
  readonly path: string;
  readonly controller: string;
  readonly file: string;
}

function readCgroupFile(layout: CgroupLayout, { path, controller, file }: CgroupFile): string | undefined {
  const hierarchy = hierarchyFor(layout, controller);
  if (hierarchy === undefined) return undefined;
  try {
    return readFileSync(join(cgroupDirectory(hierarchy, path), file), "utf8");
  } catch {
    // The cgroup ended, or its kernel does not count this.
    return undefined;
  }
}

function keyedNumber(text: string, key: string): number {
  return Number(new RegExp(String.raw`^${key} (\d+)$`, "m").exec(text)?.[1] ?? 0);
}
