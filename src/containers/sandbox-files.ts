import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import type { DnsConfig, PodSandboxConfig } from "../cri/runtime-service.ts";
import { mount, mountPointsUnder, umount } from "../linux/mount.ts";
import { type NamespacePins, unpinNamespace } from "../linux/namespaces.ts";

/** What a sandbox lends to its containers. */
export interface SandboxFiles {
  readonly hostname: string;
  readonly resolvConf: string;
  /** The pod's `/dev/shm`; the host's where it shares that. */
  readonly shm: string;
}

/** Returns the places of a sandbox's files. */
export function sandboxFiles(directory: string, config: PodSandboxConfig): SandboxFiles {
  const sharesIpc = config.linux.securityContext.namespaceOptions.ipc === "NODE";
  return {
    hostname: join(directory, "hostname"),
    resolvConf: join(directory, "resolv.conf"),
    shm: sharesIpc ? "/dev/shm" : join(directory, "shm"),
  };
}

/** Returns where a sandbox's own namespaces are pinned; those it shares with the node are left out. */
export function sandboxPins(directory: string, config: PodSandboxConfig): NamespacePins {
  const { network, ipc } = config.linux.securityContext.namespaceOptions;
  // A pod on the host's network has the host's name too, as with other runtimes.
  const own = network === "NODE" ? {} : { net: join(directory, "net"), uts: join(directory, "uts") };
  return ipc === "NODE" ? own : { ...own, ipc: join(directory, "ipc") };
}

/** Returns the host name that a pod's containers see. */
export function sandboxHostname(config: PodSandboxConfig): string {
  return config.linux.securityContext.namespaceOptions.network === "NODE" ? hostname() : config.hostname;
}

/** Writes the files and mounts the shared memory. */
export function makeSandboxFiles(directory: string, config: PodSandboxConfig): void {
  const files = sandboxFiles(directory, config);
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  writeFileSync(files.hostname, `${sandboxHostname(config)}\n`, { mode: 0o644 });
  writeFileSync(files.resolvConf, resolvConf(config.dnsConfig), { mode: 0o644 });
  if (files.shm === "/dev/shm") return;
  mkdirSync(files.shm, { recursive: true });
  mount({ source: "shm", target: files.shm, type: "tmpfs", flags: ["nosuid", "nodev", "noexec"], data: SHM_OPTIONS });
}

/** Lets the namespaces go and unmounts all in a sandbox's directory. Idempotent. */
export function releaseSandboxFiles(directory: string, pins: NamespacePins): void {
  for (const path of Object.values(pins)) unpinNamespace(path);
  for (const point of mountPointsUnder(directory)) umount(point, { detach: true });
}

/** Removes a sandbox's directory, in which nothing may be mounted. Idempotent. */
export async function removeSandboxFiles(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
}

const SHM_OPTIONS = "mode=1777,size=64m";

/** Returns resolver(5)'s file. Without a configuration of its own a pod resolves as the host does. */
function resolvConf(dns: DnsConfig | undefined): string {
  if (dns === undefined) return hostResolvConf();
  const lines = [
    ...(dns.searches.length > 0 ? [`search ${dns.searches.join(" ")}`] : []),
    ...dns.servers.map((server) => `nameserver ${server}`),
    ...(dns.options.length > 0 ? [`options ${dns.options.join(" ")}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function hostResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    // A host without one resolves nothing, and so does its pod.
    return "";
  }
}
