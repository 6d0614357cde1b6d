import type { Container, ContainerFilter, ContainerStatus } from "../cri/runtime-service.ts";
import { formatSignal } from "../linux/signals.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord } from "./engine-records.ts";
import { matchesLabels } from "./label-filter.ts";

/** Returns the status of a container. Throws `CriError` (`NOT_FOUND`). */
export function containerStatus(engine: Engine, id: string): ContainerStatus {
  const record = engine.containers.get(id);
  const { startedAt, finishedAt, exitCode, reason, message, logPath, user } = record;
  const isUp = record.state === "CONTAINER_RUNNING";
  return {
    ...toContainer(record),
    startedAt,
    finishedAt,
    exitCode,
    reason,
    message,
    logPath,
    mounts: record.config.mounts,
    pid: isUp ? (record.processes?.process.pid ?? 0) : 0,
    stopSignal: formatSignal(record.stopSignal),
    ...(user === undefined ? {} : { user }),
  };
}

/** Returns the containers that a filter lets through, all without one. */
export function listContainers(engine: Engine, filter: ContainerFilter = {}): Container[] {
  const { id, state, podSandboxId, labelSelector } = filter;
  return engine.containers
    .list()
    .map(toContainer)
    .filter((container) => id === undefined || container.id === id)
    .filter((container) => state === undefined || container.state === state)
    .filter((container) => podSandboxId === undefined || container.podSandboxId === podSandboxId)
    .filter((container) => matchesLabels(container.labels, labelSelector));
}

function toContainer(record: ContainerRecord): Container {
  const { id, podSandboxId, config, image, state, createdAt } = record;
  const { metadata, labels, annotations } = config;
  const imageRef = image.repoDigest ?? image.id;
  return {
    id,
    podSandboxId,
    metadata,
    image: config.image,
    imageRef,
    imageId: image.id,
    state,
    createdAt,
    labels,
    annotations,
  };
}
