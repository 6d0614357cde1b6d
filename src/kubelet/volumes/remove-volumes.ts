import { rm } from "node:fs/promises";

import { mountPointsUnder, umount } from "../../linux/mount.ts";

/**
 * Removes a pod's directory with everything mounted below it. Mounts go first: what is still mounted is never deleted through. Throws
 * where a mount is still in use. Idempotent.
 */
export async function removePodDirectory(podDir: string): Promise<void> {
  for (const point of mountPointsUnder(podDir)) umount(point, { detach: true });
  const left = mountPointsUnder(podDir);
  if (left.length > 0) throw new Error(`Cannot remove "${podDir}": still mounted: ${left.join(", ")}`);
  await rm(podDir, { recursive: true, force: true });
}
