import { purgeContainers } from "../containers/purge-containers.ts";
import type { Instance } from "../instance/open-instance.ts";
import { mountPointsUnder, umount } from "../linux/mount.ts";

/**
 * Removes what a cluster's node has on this machine beside its data directory: processes, cgroups, mounts, network namespaces with
 * their interfaces, firewall rules, settings of the kernel. No role may run. Idempotent. Throws `CriError`.
 */
export async function purgeNode({ record, paths }: Instance): Promise<void> {
  await purgeContainers({
    root: paths.engineDir,
    runRoot: paths.runDir,
    hostRunRoot: paths.hostDir,
    instance: record.id,
    podCidr: record.podCidr,
  });
  // Volumes in memory are mounts of the kubelet.
  for (const point of mountPointsUnder(paths.kubeletDir)) umount(point, { detach: true });
}
