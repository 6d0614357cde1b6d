import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { NodePod, PodRef } from "./node-pod.ts";
import type { PodDirectories } from "./pod-directories.ts";
import { removePodDirectory } from "./volumes/remove-volumes.ts";

/** Returns a pod that holds no more than its identity: enough to end what the runtime holds of it. */
export function orphanPodOf({ uid, namespace, name }: PodRef): NodePod {
  const spec = { containers: [] };
  return {
    uid,
    namespace,
    name,
    spec,
    labels: {},
    annotations: {},
    object: { metadata: { uid, namespace, name }, spec },
  };
}

export interface OrphanDirectoriesOptions {
  readonly directories: PodDirectories;
  /** Whether a pod, by uid, is still there. */
  readonly isKnown: (uid: string) => boolean;
  readonly logger: Logger;
}

/**
 * Removes the directories and logs of pods that are gone. Only pods that have a directory of ours are looked at: the logs of others in a
 * shared place are not ours to remove. What cannot be removed is logged and left for the next time.
 */
export async function removeOrphanDirectories({
  directories,
  isKnown,
  logger,
}: OrphanDirectoriesOptions): Promise<void> {
  const { podsDir, logsDir } = directories;
  const uids = (await readdir(podsDir).catch(() => [])).filter((uid) => !isKnown(uid));
  if (uids.length === 0) return;
  const logs = await readdir(logsDir).catch(() => []);
  const removals = uids.map(async (uid) => {
    const ownLogs = logs.filter((name) => name.endsWith(`_${uid}`));
    await Promise.all(ownLogs.map((name) => rm(join(logsDir, name), { recursive: true, force: true })));
    // Last, since it is what tells us that the logs are ours.
    await removePodDirectory(join(podsDir, uid));
  });
  for (const result of await Promise.allSettled(removals)) {
    if (result.status === "rejected")
      logger.warn({ error: messageOf(result.reason) }, "directory of a gone pod not removed");
  }
}
