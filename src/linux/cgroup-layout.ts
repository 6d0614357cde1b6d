import { readFileSync } from "node:fs";

import { type MountInfo, listMounts } from "./mount.ts";

/** One mounted tree of cgroups and the controllers that it governs; the unified one (v2) of a hybrid host may govern none. */
export interface CgroupHierarchy {
  readonly mountPoint: string;
  readonly controllers: readonly string[];
}

/**
 * How this machine arranges cgroups. `v1` covers hybrid hosts: there is one hierarchy for each controller and limits are set
 * through them. With `v2` there is one hierarchy for all.
 */
export interface CgroupLayout {
  readonly version: "v1" | "v2";
  readonly hierarchies: readonly CgroupHierarchy[];
}

/** Returns this machine's layout, as mounted; a layout without hierarchies means that nothing can be limited. */
export function detectCgroups(mounts: readonly MountInfo[] = listMounts()): CgroupLayout {
  const root = mounts.find((entry) => entry.mountPoint === CGROUP_ROOT && entry.type === "cgroup2");
  if (root !== undefined) {
    return { version: "v2", hierarchies: [{ mountPoint: CGROUP_ROOT, controllers: unifiedControllers(CGROUP_ROOT) }] };
  }
  const mounted = mounts.filter((entry) => entry.mountPoint.startsWith(`${CGROUP_ROOT}/`));
  const hierarchies = mounted.flatMap((entry) => (entry.type.startsWith("cgroup") ? [hierarchyOf(entry)] : []));
  return { version: "v1", hierarchies };
}

/** Returns the hierarchy that governs a controller, or undefined where this machine has none. */
export function hierarchyFor(layout: CgroupLayout, controller: string): CgroupHierarchy | undefined {
  return layout.hierarchies.find((hierarchy) => hierarchy.controllers.includes(controller));
}

const CGROUP_ROOT = "/sys/fs/cgroup";

// Options of a v1 mount that are not controllers.
const MOUNT_OPTIONS: ReadonlySet<string> = new Set([
  "rw",
  "ro",
  "xattr",
  "noprefix",
  "clone_children",
  "release_agent",
]);

function hierarchyOf(entry: MountInfo): CgroupHierarchy {
  const { mountPoint } = entry;
  if (entry.type === "cgroup2") return { mountPoint, controllers: unifiedControllers(mountPoint) };
  const controllers = entry.superOptions.split(",").filter((option) => !MOUNT_OPTIONS.has(option));
  return { mountPoint, controllers };
}

function unifiedControllers(mountPoint: string): string[] {
  return readFileSync(`${mountPoint}/cgroup.controllers`, "utf8").trim().split(" ").filter(Boolean);
}
