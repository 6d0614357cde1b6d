import { existsSync } from "node:fs";

import { oomKills } from "../linux/cgroup-resources.ts";
import { isRunning } from "../linux/procfs.ts";
import { type ContainerExit, readExit } from "../runtime/exit-watcher.ts";
import { bundleOf } from "../runtime/runtime-directories.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord } from "./engine-records.ts";

/** Takes note of a container's end. Told twice, the first telling counts. */
export async function noteExit(engine: Engine, exit: ContainerExit): Promise<void> {
  // A container can end before we have heard that it started.
  await engine.starting.get(exit.id);
  const record = engine.containers.find(exit.id);
  if (record === undefined || record.state === "CONTAINER_EXITED") return;
  const { exitCode, finishedAt } = exit;
  const reason = exitReason(engine, record, exitCode);
  await noteEnd(engine, record, { exitCode, finishedAt: Math.max(finishedAt, record.startedAt), reason, message: "" });
}

/** Takes note of containers whose conmon was killed, so that nobody saw how they ended; ends what is left of them. */
export async function noteVanished(engine: Engine): Promise<void> {
  const running = engine.containers.list().filter(({ state }) => state === "CONTAINER_RUNNING");
  await Promise.all(running.filter(hasVanished).map((record) => noteVanishedContainer(engine, record)));
}

/** Resolves when a container has ended, as far as we know by then; at once where it is gone. */
export async function exitOf(engine: Engine, id: string): Promise<void> {
  const record = engine.containers.find(id);
  if (record === undefined || record.state === "CONTAINER_EXITED") return;
  const entry = engine.exits.get(id) ?? Promise.withResolvers<void>();
  engine.exits.set(id, entry);
  await entry.promise;
}

// What the kubelet reports for a container of which nobody knows how it ended.
const UNKNOWN_EXIT = { exitCode: 137, reason: "ContainerStatusUnknown" } as const;
const UNKNOWN_MESSAGE = "The container could not be located when the pod was terminated: its monitor was killed";

type End = Pick<ContainerRecord, "exitCode" | "finishedAt" | "reason" | "message">;

async function noteEnd(engine: Engine, record: ContainerRecord, end: End): Promise<void> {
  const { id, podSandboxId } = record;
  await engine.containers.update(id, { ...end, state: "CONTAINER_EXITED" });
  engine.exits.get(id)?.resolve();
  engine.exits.delete(id);
  engine.events.publish({ containerId: id, podSandboxId, type: "CONTAINER_STOPPED_EVENT" });
}

function exitReason(engine: Engine, record: ContainerRecord, exitCode: number): string {
  if (exitCode === 0) return "Completed";
  const { runtime } = engine;
  const oom =
    existsSync(bundleOf(runtime.directories, record.id).oom) || oomKills(runtime.cgroups, record.cgroupPath) > 0;
  return oom ? "OOMKilled" : "Error";
}

function hasVanished({ processes }: ContainerRecord): boolean {
  return processes !== undefined && !isRunning(processes.conmon);
}

async function noteVanishedContainer(engine: Engine, record: ContainerRecord): Promise<void> {
  // conmon writes its word before it ends: only now that it has ended is no word final.
  const exit = readExit(engine.runtime.directories.exits, record.id);
  if (exit !== undefined) return await noteExit(engine, exit);
  engine.logger.warn({ container: record.id }, "the monitor of a container was killed; the container is ended");
  // Without its conmon nobody reads what it writes, and it would stop at the first full pipe.
  await engine.runtime.oci.delete(record.id);
  await noteEnd(engine, record, { ...UNKNOWN_EXIT, finishedAt: Date.now(), message: UNKNOWN_MESSAGE });
}
