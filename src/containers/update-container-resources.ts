import { CriError } from "../cri/cri-error.ts";
import type { LinuxContainerResources } from "../cri/runtime-service.ts";
import { ociResources } from "../runtime/container-spec.ts";
import type { Engine } from "./engine.ts";

/** Changes the limits of a container that runs, and what its record says of them. */
export async function updateContainerResources(
  engine: Engine,
  id: string,
  resources: LinuxContainerResources,
): Promise<void> {
  await engine.locks.run(id, async () => {
    const record = engine.containers.get(id);
    if (record.state === "CONTAINER_EXITED")
      throw new CriError("FAILED_PRECONDITION", `Cannot update "${id}": it has ended`);
    await engine.runtime.oci.update(id, ociResources(engine.runtime.cgroups, resources));
    const { config } = record;
    const linux = { ...config.linux, resources: { ...config.linux.resources, ...resources } };
    await engine.containers.update(id, { config: { ...config, linux } });
  });
}
