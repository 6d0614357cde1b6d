import { discardContainer } from "./discard-container.ts";
import type { Engine } from "./engine.ts";
import { stopContainer } from "./stop-container.ts";

/** Removes a container by force; its log is left to the caller. Idempotent. */
export async function removeContainer(engine: Engine, id: string): Promise<void> {
  await stopContainer(engine, id, 0);
  await engine.locks.run(id, async () => {
    const record = engine.containers.find(id);
    if (record === undefined) return;
    await discardContainer(engine, id);
    const { podSandboxId } = record;
    engine.events.publish({ containerId: id, podSandboxId, type: "CONTAINER_DELETED_EVENT" });
  });
}
