import { rm } from "node:fs/promises";

import { messageOf } from "../base/coded-error.ts";
import type { ContainerStatus } from "../cri/runtime-service.ts";
import type { PodServices } from "./pod-services.ts";

/**
 * Removes the containers that came before the last one of a name, with their logs: the last one stays for `logs --previous` and for the
 * last state. `earlier` is newest first. Failures are logged; the next restart tries again.
 */
export async function removeOldContainers(
  { runtime, logger }: Pick<PodServices, "runtime" | "logger">,
  earlier: readonly ContainerStatus[],
): Promise<void> {
  for (const { id, logPath, state } of earlier.slice(1)) {
    if (state === "CONTAINER_RUNNING") continue;
    try {
      await runtime.removeContainer(id);
      await rm(logPath, { force: true });
    } catch (error) {
      logger.warn({ containerId: id, error: messageOf(error) }, "old container not removed");
    }
  }
}
