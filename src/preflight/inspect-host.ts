import { execFile } from "node:child_process";
import { release, userInfo } from "node:os";
import { promisify } from "node:util";

import { installCommand, readDistribution, type Distribution, type Requirement } from "./distribution.ts";
import { findProgram, isExecutable } from "./find-program.ts";
import { cgroupMode, missingKernelFeatures } from "./kernel-features.ts";

/** What this host offers to a node, and what it lacks. */
export interface HostReport {
  /** One line: distribution, kernel, cgroups, runtime, file system. */
  readonly summary: string;
  /** All that is in the way; empty on a host that can run pods. */
  readonly problems: readonly HostProblem[];
}

export interface HostProblem {
  /** What is missing, in words that end a sentence beginning with "Cannot start the node:". */
  readonly what: string;
  /** A command to type. */
  readonly remedy?: string | undefined;
}

export interface InspectHostOptions {
  readonly path?: string | undefined;
  readonly osRelease?: string;
  readonly cniDirectories?: readonly string[];
  readonly uid?: number;
}

/** Directories where distributions and upstream put CNI plugins. */
export const CNI_DIRECTORIES: readonly string[] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/** Looks at all that a node needs of its host at once, changing nothing but loading a kernel module. */
export async function inspectHost(options: InspectHostOptions = {}): Promise<HostReport> {
  if (process.platform !== "linux") {
    return { summary: process.platform, problems: [{ what: `pods need Linux, this is ${process.platform}` }] };
  }
  const [distribution, features, missing, mode, runtime] = await Promise.all([
    readDistribution(options.osRelease),
    missingKernelFeatures(),
    missingRequirements(options),
    cgroupMode(),
    runtimeVersion(options.path),
  ]);
  const kernel = release().split(".").slice(0, 2).join(".");
  return {
    summary: [distribution.title, `kernel ${kernel}`, `cgroup ${mode ?? "missing"}`, runtime, "overlayfs"].join(", "),
    problems: [
      ...privilegeProblem(options.uid ?? userInfo().uid),
      ...requirementProblems(distribution, missing),
      ...features.map((what) => ({ what })),
    ],
  };
}

function privilegeProblem(uid: number): HostProblem[] {
  return uid === 0 ? [] : [{ what: "running containers needs root", remedy: "sudo berth up" }];
}

function requirementProblems(distribution: Distribution, missing: readonly Requirement[]): HostProblem[] {
  const install = installCommand(distribution, missing);
  return missing.map((requirement, index) => ({
    what: `${requirement} not found (looked ${WHERE[requirement]})`,
    // One command installs all: it stands under the last.
    remedy: index === missing.length - 1 ? install : undefined,
  }));
}

const WHERE: Readonly<Record<Requirement, string>> = {
  runc: "for runc and crun on the PATH",
  conmon: "on the PATH",
  nft: "on the PATH",
  "CNI plugins": `for ptp, host-local and loopback in ${CNI_DIRECTORIES.join(", ")}`,
};

async function missingRequirements(options: InspectHostOptions): Promise<Requirement[]> {
  const [runc, crun, conmon, nft, cni] = await Promise.all([
    findProgram("runc", options.path),
    findProgram("crun", options.path),
    findProgram("conmon", options.path),
    findProgram("nft", options.path),
    hasCniPlugins(options.cniDirectories ?? CNI_DIRECTORIES),
  ]);
  return [
    ...(runc === undefined && crun === undefined ? ["runc" as const] : []),
    ...(conmon === undefined ? ["conmon" as const] : []),
    ...(nft === undefined ? ["nft" as const] : []),
    ...(cni ? [] : ["CNI plugins" as const]),
  ];
}

async function hasCniPlugins(directories: readonly string[]): Promise<boolean> {
  for (const directory of directories) {
    const found = await Promise.all(
      ["ptp", "host-local", "loopback"].map((name) => isExecutable(`${directory}/${name}`)),
    );
    if (!found.includes(false)) return true;
  }
  return false;
}

async function runtimeVersion(path: string | undefined): Promise<string> {
  const runtime = (await findProgram("runc", path)) ?? (await findProgram("crun", path));
  if (runtime === undefined) return "no runtime";
  const { stdout } = await promisify(execFile)(runtime, ["--version"], { timeout: 5000 }).catch(() => ({ stdout: "" }));
  return /^(?:runc|crun) version (\S+)/m.exec(stdout)?.[0].replace(" version", "") ?? runtime;
}
