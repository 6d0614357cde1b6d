import type { ContainerFilter, ContainerStats } from "../cri/runtime-service.ts";
import { readCgroupUsage } from "../linux/cgroup-resources.ts";
import { listContainers } from "./container-status.ts";
import type { Engine } from "./engine.ts";

/** Returns what a container uses now; zeros where it does not run. Throws `CriError` (`NOT_FOUND`). */
export async function containerStats(engine: Engine, id: string): Promise<ContainerStats> {
  const { config, cgroupPath } = engine.containers.get(id);
  const usage = readCgroupUsage(engine.runtime.cgroups, cgroupPath);
  const { bytes } = await engine.snapshotter.rootfsUsage(id);
  return {
    containerId: id,
    metadata: config.metadata,
    labels: config.labels,
    timestamp: Date.now(),
    cpuUsageNanoseconds: usage.cpuNanoseconds,
    memoryWorkingSetBytes: usage.workingSetBytes,
    memoryUsageBytes: usage.memoryBytes,
    writableLayerBytes: bytes,
  };
}

/** Returns what the containers use that a filter lets through and that run. */
export async function listContainerStats(engine: Engine, filter: ContainerFilter = {}): Promise<ContainerStats[]> {
  const running = listContainers(engine, { state: "CONTAINER_RUNNING", ...filter });
  return await Promise.all(running.map(({ id }) => containerStats(engine, id)));
}
