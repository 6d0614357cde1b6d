import type { Mount } from "../oci/runtime-config.ts";

export interface DefaultMountOptions {
  readonly privileged: boolean;
  /** Directory that is the pod's `/dev/shm`. */
  readonly shm: string;
}

/** Returns the kernel's own file systems as every container sees them. */
export function defaultMounts({ privileged, shm }: DefaultMountOptions): Mount[] {
  const access = privileged ? "rw" : "ro";
  const harmless = ["nosuid", "noexec", "nodev"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: harmless },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: harmless },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...harmless, access] },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...harmless, "relatime", access] },
    { destination: "/dev/shm", type: "bind", source: shm, options: ["rbind", "rw", ...harmless] },
  ];
}

/** Kernel files that tell too much, or let a container meddle: hidden unless privileged. */
export const DEFAULT_MASKED_PATHS: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

/** Kernel files that a container may read but not write unless privileged. */
export const DEFAULT_READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];
