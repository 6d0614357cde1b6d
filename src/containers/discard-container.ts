import { umount } from "../linux/mount.ts";
import { bundleOf, removeBundle } from "../runtime/runtime-directories.ts";
import type { Engine } from "./engine.ts";

/** Removes all there is of a container, its record last, so that what fails is tried again at the next start. Idempotent. */
export async function discardContainer(engine: Engine, id: string): Promise<void> {
  await engine.creating.get(id)?.catch(() => {});
  engine.creating.delete(id);
  await engine.runtime.oci.delete(id);
  while (umount(bundleOf(engine.runtime.directories, id).rootfs, { detach: true }));
  await Promise.all([removeBundle(engine.runtime.directories, id), engine.snapshotter.removeRootfs(id)]);
  await engine.containers.delete(id);
  engine.exits.get(id)?.resolve();
  engine.exits.delete(id);
}
