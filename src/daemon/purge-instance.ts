import { rm, rmdir } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, relative } from "node:path";

import { lockFile } from "../base/file-lock.ts";
import { unregisterInstance } from "../instance/host-instances.ts";
import type { InstancePaths } from "../instance/instance-paths.ts";
import type { Instance } from "../instance/open-instance.ts";

/**
 * Removes all that a cluster has left on this machine; none of its roles may run. Of the data directory only what is ours is
 * removed, since a user may have named one that holds more. The record goes last, so that a purge that was cut off can be
 * repeated. Throws `FileLockError` with code `LOCKED` where the cluster runs.
 */
export async function purgeInstance(instance: Instance): Promise<void> {
  const { paths, record, directories } = instance;
  await using _lock = await lockFile(paths.supervisorLock, { waitMs: LOCK_WAIT_MS });
  if (userInfo().uid === 0) await (await import("./purge-node.ts")).purgeNode(instance);
  await rm(paths.runDir, { recursive: true, force: true });
  for (const path of ownEntries(paths)) await rm(path, { recursive: true, force: true });
  await rmdir(paths.dataDir).catch(() => {});
  await unregisterInstance(directories, record.id);
}

/** Returns what lies directly in the data directory of all that a cluster's places are, the record last. */
function ownEntries(paths: InstancePaths): string[] {
  const inside = Object.values({ ...paths })
    .map((path) => relative(paths.dataDir, path).split("/")[0] ?? "")
    .filter((name) => name !== "" && name !== "..");
  return [...new Set(inside), "instance.json"].map((name) => join(paths.dataDir, name));
}

/** A supervisor that is ending still holds it. */
const LOCK_WAIT_MS = 15_000;
