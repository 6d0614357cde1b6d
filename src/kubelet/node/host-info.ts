import { readdir, readFile, statfs } from "node:fs/promises";
import { arch, cpus, release, totalmem } from "node:os";
import { join } from "node:path";

/** What a node is made of, as its object tells it. */
export interface HostInfo {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  /** Name of the distribution, e.g. `Debian GNU/Linux 12 (bookworm)`. */
  readonly osImage: string;
  /** In Go's words: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  /** Bytes of huge pages by page size as resource names have it, e.g. `2Mi`. */
  readonly hugePages: ReadonlyMap<string, number>;
}

/** Reads what the machine says of itself; what it does not say is left empty. */
export async function readHostInfo(): Promise<HostInfo> {
  const [machineId, systemUuid, bootId, osRelease, meminfo, hugePages] = await Promise.all([
    readText("/etc/machine-id"),
    readText("/sys/class/dmi/id/product_uuid"),
    readText("/proc/sys/kernel/random/boot_id"),
    readText("/etc/os-release"),
    readText("/proc/meminfo"),
    readHugePages(),
  ]);
  return {
    machineId,
    systemUuid: systemUuid === "" ? machineId : systemUuid,
    bootId,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? "Linux",
    architecture: ARCHITECTURES[arch()] ?? arch(),
    cpuCount: cpus().length,
    memoryBytes: meminfoBytes(meminfo, "MemTotal") ?? totalmem(),
    swapBytes: meminfoBytes(meminfo, "SwapTotal") ?? 0,
    hugePages,
  };
}

/** How much of what can run out is left. Undefined where the machine does not say. */
export interface HostPressure {
  readonly availableMemoryBytes: number | undefined;
  readonly filesystem: FilesystemRoom | undefined;
  readonly processes: { readonly running: number; readonly max: number } | undefined;
}

export interface FilesystemRoom {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly freeInodes: number;
}

/** Reads how much is left, the file system being that of `directory`. */
export async function readHostPressure(directory: string): Promise<HostPressure> {
  const [meminfo, loadavg, pidMax, filesystem] = await Promise.all([
    readText("/proc/meminfo"),
    readText("/proc/loadavg"),
    readText("/proc/sys/kernel/pid_max"),
    readFilesystemRoom(directory),
  ]);
  const running = /\d+\/(\d+)/.exec(loadavg)?.[1];
  const isKnown = running !== undefined && pidMax !== "";
  return {
    availableMemoryBytes: meminfoBytes(meminfo, "MemAvailable"),
    filesystem,
    processes: isKnown ? { running: Number(running), max: Number(pidMax) } : undefined,
  };
}

/** Reads how much room the file system of `directory` has; undefined where it does not say. */
export async function readFilesystemRoom(directory: string): Promise<FilesystemRoom | undefined> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(directory);
    return { capacityBytes: bsize * blocks, availableBytes: bsize * bavail, inodes: files, freeInodes: ffree };
  } catch {
    return undefined;
  }
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", arm64: "arm64", arm: "arm" };

function meminfoBytes(meminfo: string, field: string): number | undefined {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}

const HUGE_PAGES = "/sys/kernel/mm/hugepages";

async function readHugePages(): Promise<ReadonlyMap<string, number>> {
  const names = await readdir(HUGE_PAGES).catch(() => []);
  const sizes = names.flatMap((name) => {
    const kib = /^hugepages-(\d+)kB$/.exec(name)?.[1];
    return kib === undefined ? [] : [{ name, kib: Number(kib) }];
  });
  return new Map(
    await Promise.all(
      sizes.map(async ({ name, kib }) => {
        const count = Number(await readText(join(HUGE_PAGES, name, "nr_hugepages")));
        const size = kib >= 1024 * 1024 ? `${kib / 1024 / 1024}Gi` : `${kib / 1024}Mi`;
        return [size, count * kib * 1024] as const;
      }),
    ),
  );
}

async function readText(path: string): Promise<string> {
  return (await readFile(path, "utf8").catch(() => "")).trim();
}
