import type { PodSandbox, PodSandboxFilter, PodSandboxStatus } from "../cri/runtime-service.ts";
import type { Engine } from "./engine.ts";
import type { SandboxRecord } from "./engine-records.ts";
import { matchesLabels } from "./label-filter.ts";

/** Returns the status of a sandbox. Throws `CriError` (`NOT_FOUND`). */
export function podSandboxStatus(engine: Engine, id: string): PodSandboxStatus {
  const record = engine.sandboxes.get(id);
  const { addresses } = record;
  return {
    ...toPodSandbox(record),
    network: { ip: addresses?.ip ?? "", additionalIps: addresses?.additionalIps ?? [] },
    namespaces: record.config.linux.securityContext.namespaceOptions,
  };
}

/** Returns the sandboxes that a filter lets through, all without one. */
export function listPodSandbox(engine: Engine, filter: PodSandboxFilter = {}): PodSandbox[] {
  const { id, state, labelSelector } = filter;
  return engine.sandboxes
    .list()
    .map(toPodSandbox)
    .filter((sandbox) => id === undefined || sandbox.id === id)
    .filter((sandbox) => state === undefined || sandbox.state === state)
    .filter((sandbox) => matchesLabels(sandbox.labels, labelSelector));
}

function toPodSandbox(record: SandboxRecord): PodSandbox {
  const { id, config, createdAt, runtimeHandler } = record;
  const { metadata, labels, annotations } = config;
  const state = record.state === "READY" ? "SANDBOX_READY" : "SANDBOX_NOTREADY";
  return { id, metadata, state, createdAt, labels, annotations, runtimeHandler };
}
