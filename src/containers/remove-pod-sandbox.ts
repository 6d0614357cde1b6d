import { join } from "node:path";

import { removeCgroup } from "../linux/cgroup.ts";
import type { Engine } from "./engine.ts";
import { removeContainer } from "./remove-container.ts";
import { removeSandboxFiles } from "./sandbox-files.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";

/** Removes a sandbox and its containers by force. Idempotent. */
export async function removePodSandbox(engine: Engine, id: string): Promise<void> {
  const record = engine.sandboxes.find(id);
  if (record === undefined) return;
  await stopPodSandbox(engine, id);
  const containers = engine.containers.list().filter(({ podSandboxId }) => podSandboxId === id);
  await Promise.all(containers.map((container) => removeContainer(engine, container.id)));
  removeCgroup(engine.runtime.cgroups, record.cgroupPath);
  await removeSandboxFiles(join(engine.sandboxesDir, id));
  await engine.sandboxes.delete(id);
  engine.events.publish({ containerId: id, podSandboxId: id, type: "CONTAINER_DELETED_EVENT" });
}
