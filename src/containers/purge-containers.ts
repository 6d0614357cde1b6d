import { rm } from "node:fs/promises";
import { join } from "node:path";

import { CriError } from "../cri/cri-error.ts";
import { detectCgroups } from "../linux/cgroup-layout.ts";
import { killCgroup } from "../linux/cgroup.ts";
import { mountPointsUnder, umount } from "../linux/mount.ts";
import { PodNetwork } from "../network/pod-network.ts";
import { cgroupRootOf } from "./container-service.ts";

export interface PurgeOptions {
  /** The engine's durable directory. */
  readonly root: string;
  /** The engine's directory for what lives as long as a boot. */
  readonly runRoot: string;
  /** Directory that all clusters of this host share. */
  readonly hostRunRoot: string;
  readonly instance: string;
  /** Range of the cluster's pods. */
  readonly podCidr: string;
}

/**
 * Removes everything that one cluster's containers are on this machine: processes, mounts, namespaces, cgroups, interfaces,
 * firewall rules, directories. Nothing of the cluster may be running. Needs no database; idempotent.
 */
export async function purgeContainers(options: PurgeOptions): Promise<void> {
  const { root, runRoot, hostRunRoot, instance, podCidr } = options;
  if (!(await killCgroup(detectCgroups(), cgroupRootOf(instance), KILL_TIMEOUT_MS))) {
    throw new CriError("DEADLINE_EXCEEDED", `Cannot remove the containers of "${instance}": some processes do not end`);
  }
  for (const directory of [runRoot, root]) {
    for (const point of mountPointsUnder(directory)) umount(point, { detach: true });
  }
  await new PodNetwork({ instance, dataDir: join(root, "network"), hostDir: hostRunRoot }).purge(podCidr);
  await rm(runRoot, { recursive: true, force: true });
}

const KILL_TIMEOUT_MS = 30_000;
