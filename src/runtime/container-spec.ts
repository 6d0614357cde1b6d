import { readFileSync } from "node:fs";

import { type CgroupLayout, hierarchyFor } from "../linux/cgroup-layout.ts";
import { type CgroupResources, canLimitSwap } from "../linux/cgroup-resources.ts";
import { boundingSet } from "../linux/capabilities.ts";
import { ownOomScoreAdj } from "../linux/procfs.ts";
import type {
  Device,
  Linux,
  Mount,
  Namespace,
  Process,
  Resources,
  Seccomp,
  Spec,
  User,
} from "../oci/runtime-config.ts";
import { DEFAULT_MASKED_PATHS, DEFAULT_READONLY_PATHS } from "./default-mounts.ts";
import { hostDevices } from "./host-devices.ts";

/** What one container is, decided; everything that is to be in its OCI configuration. */
export interface ContainerSpecRequest {
  readonly rootfs: string;
  readonly readonlyRootfs: boolean;
  readonly args: readonly string[];
  /** `NAME=value`, each name once. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: User;
  readonly terminal: boolean;
  readonly noNewPrivileges: boolean;
  readonly oomScoreAdj: number;
  readonly capabilities: ReadonlySet<string>;
  readonly privileged: boolean;
  readonly namespaces: readonly Namespace[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly { readonly device: Device; readonly access: string }[];
  readonly seccomp?: Seccomp | undefined;
  /** The defaults where absent. */
  readonly maskedPaths?: readonly string[] | undefined;
  readonly readonlyPaths?: readonly string[] | undefined;
  readonly cgroups: CgroupLayout;
  /** Absolute in the cgroup hierarchies. */
  readonly cgroupPath: string;
  readonly resources: CgroupResources;
}

/** Returns the OCI configuration (`config.json`) of a container. */
export function containerSpec(request: ContainerSpecRequest): Spec {
  return {
    ociVersion: "1.0.2",
    process: processOf(request),
    root: { path: request.rootfs, readonly: request.readonlyRootfs },
    mounts: request.mounts,
    linux: linuxOf(request),
  };
}

/** Returns OCI resources in cgroup v1's terms, which runtimes convert on v2; what this machine cannot limit is left out. */
export function ociResources(layout: CgroupLayout, resources: CgroupResources): Resources {
  const { cpuShares, cpuQuota, cpuPeriod, memoryLimitInBytes: limit, pidsLimit } = resources;
  const has = (controller: string): boolean => hierarchyFor(layout, controller) !== undefined;
  const cpu = { ...number("shares", cpuShares), ...number("quota", cpuQuota), ...number("period", cpuPeriod) };
  // Without a limit on swap a container over its memory would swap instead of ending, which the kubelet never wants.
  const swap = limit !== undefined && canLimitSwap(layout) ? { swap: limit } : {};
  return {
    ...(has("cpu") && Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(has("memory") && limit !== undefined && limit > 0 ? { memory: { limit, ...swap } } : {}),
    ...(has("pids") && pidsLimit !== undefined && pidsLimit > 0 ? { pids: { limit: pidsLimit } } : {}),
  };
}

function processOf(request: ContainerSpecRequest): Process {
  const granted = [...request.capabilities];
  const files = openFilesLimit();
  return {
    terminal: request.terminal,
    user: request.user,
    args: request.args,
    env: request.env,
    cwd: request.cwd,
    // Inheritable stays empty: programs with file capabilities would get more than asked for (CVE-2022-24769).
    capabilities: { bounding: granted, effective: granted, permitted: granted, inheritable: [], ambient: [] },
    rlimits: [{ type: "RLIMIT_NOFILE", hard: files, soft: files }],
    noNewPrivileges: request.noNewPrivileges,
    oomScoreAdj: possibleOomScoreAdj(request.oomScoreAdj),
  };
}

function linuxOf(request: ContainerSpecRequest): Linux {
  const { privileged, devices } = request;
  const allDevices = privileged ? hostDevices() : devices.map(({ device }) => device);
  const resources = ociResources(request.cgroups, request.resources);
  const maskedPaths = privileged ? [] : (request.maskedPaths ?? DEFAULT_MASKED_PATHS);
  const readonlyPaths = privileged ? [] : (request.readonlyPaths ?? DEFAULT_READONLY_PATHS);
  return {
    cgroupsPath: request.cgroupPath,
    namespaces: request.namespaces,
    devices: allDevices,
    resources: { ...resources, devices: deviceRules(request) },
    ...(request.seccomp === undefined ? {} : { seccomp: request.seccomp }),
    ...propagation(request.mounts),
    maskedPaths,
    readonlyPaths,
  };
}

function deviceRules({ privileged, devices }: ContainerSpecRequest): Resources["devices"] & object {
  if (privileged) return [{ allow: true, access: "rwm" }];
  // The runtime adds the harmless ones (null, zero, random, terminals) itself.
  const allowed = devices.map(({ device, access }) => {
    const type = device.type === "b" ? ("b" as const) : ("c" as const);
    return { allow: true, type, major: device.major, minor: device.minor, access };
  });
  return [{ allow: false, access: "rwm" }, ...allowed];
}

/** Mounts can only come in (or go out) of a container whose root takes them. */
function propagation(mounts: readonly Mount[]): Pick<Linux, "rootfsPropagation"> {
  const options = new Set(mounts.flatMap((mount) => mount.options ?? []));
  if (options.has("rshared")) return { rootfsPropagation: "rshared" };
  return options.has("rslave") ? { rootfsPropagation: "rslave" } : {};
}

/** Lowering the score below our own takes CAP_SYS_RESOURCE; the container must start all the same. */
function possibleOomScoreAdj(wanted: number): number {
  return boundingSet().has("CAP_SYS_RESOURCE") ? wanted : Math.max(wanted, ownOomScoreAdj());
}

const WANTED_OPEN_FILES = 1_048_576;

/** Returns the limit of open files that other runtimes give, or what we may give at most. */
function openFilesLimit(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const hard = /^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1];
  return Math.min(WANTED_OPEN_FILES, hard === undefined ? WANTED_OPEN_FILES : Number(hard));
}

function number(key: string, value: number | undefined): Record<string, number> {
  return value === undefined || value === 0 ? {} : { [key]: value };
}
