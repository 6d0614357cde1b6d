import type { Engine } from "./engine.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import { stopContainer } from "./stop-container.ts";

/** Kills what still runs in a sandbox and gives its network back. Idempotent; an absent sandbox is not an error. */
export async function stopPodSandbox(engine: Engine, id: string): Promise<void> {
  const record = engine.sandboxes.find(id);
  if (record === undefined || record.state === "NOTREADY") return;
  const containers = engine.containers.list().filter(({ podSandboxId }) => podSandboxId === id);
  await Promise.all(containers.map((container) => stopContainer(engine, container.id, 0)));
  await engine.locks.run(id, async () => {
    if (engine.sandboxes.find(id)?.state === "NOTREADY") return;
    await releaseSandbox(engine, record);
    await engine.sandboxes.update(id, { state: "NOTREADY" });
  });
}
