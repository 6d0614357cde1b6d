import { rm } from "node:fs/promises";
import { join } from "node:path";

import { cgroupRootOf } from "../containers/container-service.ts";
import type { Instance } from "../instance/open-instance.ts";
import { killCgroup } from "../linux/cgroup.ts";
import { detectCgroups } from "../linux/cgroup-layout.ts";
import { mountPointsUnder, umount } from "../linux/mount.ts";
import { PodNetwork } from "../network/pod-network.ts";
import { DaemonError } from "./daemon-error.ts";

/**
 * Removes what a cluster's node has on this machine beside its data directory: processes, cgroups, mounts, network namespaces with
 * their interfaces, firewall rules, settings of the kernel. No role may run. Idempotent. Throws `DaemonError` with `PURGE_FAILED`.
 */
export async function purgeNode({ record, paths }: Instance): Promise<void> {
  const cgroup = cgroupRootOf(record.id);
  if (!(await killCgroup(detectCgroups(), cgroup))) {
    throw new DaemonError("PURGE_FAILED", `Cannot remove the cgroup "${cgroup}": processes in it do not end`);
  }
  // A network namespace, and with it its interfaces, lives as long as the mount that pins it.
  for (const directory of [paths.runDir, paths.kubeletDir, paths.engineDir]) {
    for (const target of mountPointsUnder(directory)) umount(target, { detach: true });
  }
  const network = new PodNetwork({
    instance: record.id,
    dataDir: join(paths.engineDir, "network"),
    hostDir: paths.hostDir,
  });
  await network.purge(record.podCidr);
  await rm(paths.runDir, { recursive: true, force: true });
}
