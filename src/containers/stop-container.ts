import { setTimeout as delay } from "node:timers/promises";

import { CriError } from "../cri/cri-error.ts";
import { processesInCgroup } from "../linux/cgroup.ts";
import { identityOf } from "../linux/procfs.ts";
import { signalProcess } from "../linux/signals.ts";
import { exitOf } from "./container-exits.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord } from "./engine-records.ts";

/** Sends the stop signal, waits `timeoutSeconds`, then kills. Resolves when the container has ended. Idempotent. */
export async function stopContainer(engine: Engine, id: string, timeoutSeconds: number): Promise<void> {
  await engine.starting.get(id);
  const record = engine.containers.find(id);
  if (record === undefined || record.state === "CONTAINER_EXITED") return;
  if (record.state === "CONTAINER_CREATED") return await abandon(engine, record);
  const ended = exitOf(engine, id);
  if (timeoutSeconds > 0) {
    signalContainer(record, record.stopSignal);
    if (await within(ended, timeoutSeconds * 1000)) return;
  }
  kill(engine, record);
  if (await within(ended, KILL_TIMEOUT_MS)) return;
  throw new CriError(
    "DEADLINE_EXCEEDED",
    `Cannot stop "${id}": it has not ended ${KILL_TIMEOUT_MS / 1000} s after SIGKILL`,
  );
}

const SIGKILL = 9;
const KILL_TIMEOUT_MS = 30_000;

/** A container that was never started ends as one killed before it could run. */
async function abandon(engine: Engine, record: ContainerRecord): Promise<void> {
  const { id, podSandboxId } = record;
  await engine.creating.get(id)?.catch(() => {});
  engine.creating.delete(id);
  await engine.runtime.oci.delete(id);
  const end = { exitCode: 128 + SIGKILL, reason: "Error", message: "stopped before it was started" };
  await engine.containers.update(id, { ...end, state: "CONTAINER_EXITED", finishedAt: Date.now() });
  engine.events.publish({ containerId: id, podSandboxId, type: "CONTAINER_STOPPED_EVENT" });
}

function signalContainer({ processes }: ContainerRecord, signal: number): void {
  if (processes !== undefined) signalProcess(processes.process, signal);
}

/** In a process namespace of its own all end with the first; on the node's, each has to be killed. */
function kill(engine: Engine, record: ContainerRecord): void {
  signalContainer(record, SIGKILL);
  if (record.config.linux.securityContext.namespaceOptions.pid !== "NODE") return;
  for (const pid of processesInCgroup(engine.runtime.cgroups, record.cgroupPath)) {
    const identity = identityOf(pid);
    if (identity !== undefined) signalProcess(identity, SIGKILL);
  }
}

async function within(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const late = delay(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  const result = await Promise.race([promise.then(() => true), late]);
  timer.abort();
  return result;
}
