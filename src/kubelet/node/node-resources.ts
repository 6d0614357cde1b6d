import type { HostInfo, HostPressure } from "./host-info.ts";

/** A node's resources by name, as quantities. */
export interface NodeResources {
  readonly capacity: Readonly<Record<string, string>>;
  /** What pods may have: the rest is kept back, so that the node stays well when they take all of it. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Returns the resources of a machine, kept back as the kubelet does by default: 100 MiB of memory, a tenth of the disk. */
export function nodeResourcesOf(host: HostInfo, { filesystem }: HostPressure, maxPods: number): NodeResources {
  const disk = filesystem?.capacityBytes ?? 0;
  const hugePages = [...host.hugePages].map(([size, bytes]) => [`hugepages-${size}`, binary(bytes)] as const);
  const hugeBytes = [...host.hugePages.values()].reduce((sum, bytes) => sum + bytes, 0);
  const shared = { cpu: String(host.cpuCount), ...Object.fromEntries(hugePages), pods: String(maxPods) };
  const memory = Math.max(0, host.memoryBytes - RESERVED_MEMORY_BYTES - hugeBytes);
  return {
    capacity: { ...shared, "ephemeral-storage": binary(disk), memory: binary(host.memoryBytes) },
    allocatable: { ...shared, "ephemeral-storage": String(Math.floor(disk * USABLE_DISK)), memory: binary(memory) },
  };
}

export const RESERVED_MEMORY_BYTES = 100 * 1024 * 1024;
const USABLE_DISK = 0.9;

function binary(bytes: number): string {
  return bytes > 0 && bytes % 1024 === 0 ? `${bytes / 1024}Ki` : String(bytes);
}
