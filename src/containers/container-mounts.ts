import { lstatSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join, posix } from "node:path";

import { CriError } from "../cri/cri-error.ts";
import type { ContainerConfig, Mount as CriMount } from "../cri/runtime-service.ts";
import type { Mount } from "../oci/runtime-config.ts";
import { defaultMounts } from "../runtime/default-mounts.ts";
import type { SandboxFiles } from "./sandbox-files.ts";

/** Returns a container's mounts: the kernel's file systems, the sandbox's files, then its own, parents before children. */
export function containerMounts(config: ContainerConfig, files: SandboxFiles): Mount[] {
  const { privileged, readonlyRootfs } = config.linux.securityContext;
  const own = config.mounts.map(bindOf);
  const taken = new Set(own.map(({ destination }) => destination));
  const sandbox = sandboxMounts(files, readonlyRootfs).filter(({ destination }) => !taken.has(destination));
  const kernel = defaultMounts({ privileged, shm: files.shm }).filter(({ destination }) => !taken.has(destination));
  return [...kernel, ...[...sandbox, ...own].toSorted(byDepth)];
}

/**
 * Makes the places of the kernel's file systems real directories in a root that is not in use yet: an image in which they are
 * links would have the runtime mount elsewhere (CVE-2026-41579).
 */
export function makeMountPoints(rootfs: string): void {
  for (const name of ["dev", "proc", "sys"]) {
    const path = join(rootfs, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) continue;
    if (stat !== undefined) rmSync(path);
    mkdirSync(path, { mode: 0o755 });
  }
}

function sandboxMounts(files: SandboxFiles, readonly: boolean): Mount[] {
  const options = ["rbind", "rprivate", readonly ? "ro" : "rw"];
  return [
    { destination: "/etc/hostname", type: "bind", source: files.hostname, options },
    { destination: "/etc/resolv.conf", type: "bind", source: files.resolvConf, options },
  ];
}

const PROPAGATION = {
  PRIVATE: "rprivate",
  HOST_TO_CONTAINER: "rslave",
  BIDIRECTIONAL: "rshared",
} as const satisfies Record<CriMount["propagation"] & string, string>;

function bindOf(mount: CriMount): Mount {
  const { hostPath, containerPath, readonly, propagation = "PRIVATE" } = mount;
  if (!posix.isAbsolute(containerPath)) throw invalidMount(mount, "the path in the container is not absolute");
  if (!posix.isAbsolute(hostPath)) throw invalidMount(mount, "the path on the host is not absolute");
  if (statSync(hostPath, { throwIfNoEntry: false }) === undefined)
    throw invalidMount(mount, "it does not exist on the host");
  const options = ["rbind", PROPAGATION[propagation], readonly ? "ro" : "rw"];
  return { destination: posix.normalize(containerPath), type: "bind", source: hostPath, options };
}

function invalidMount(mount: CriMount, reason: string): CriError {
  return new CriError("INVALID_ARGUMENT", `Cannot mount "${mount.hostPath}" at "${mount.containerPath}": ${reason}`);
}

function byDepth(a: Mount, b: Mount): number {
  return a.destination.split("/").length - b.destination.split("/").length;
}
