import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { listMounts } from "../linux/mount.ts";
import { bootId } from "../linux/procfs.ts";
import { findProcesses } from "../runtime/container-runtime.ts";
import { endLeftExecs } from "../runtime/exec.ts";
import { readExit } from "../runtime/exit-watcher.ts";
import { noteExit } from "./container-exits.ts";
import { discardContainer } from "./discard-container.ts";
import type { Engine } from "./engine.ts";
import type { ContainerRecord, SandboxRecord } from "./engine-records.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import { hostPortsOf } from "./run-pod-sandbox.ts";
import { releaseSandboxFiles, removeSandboxFiles } from "./sandbox-files.ts";

/**
 * Takes up what an earlier run left: what runs goes on, what ended meanwhile is noted with its exit code, and what was begun
 * but not finished is removed. One thing that cannot be cleaned up is logged and does not keep the rest.
 */
export async function recover(engine: Engine): Promise<void> {
  await endLeftExecs(engine.runtime.directories);
  const mounted = new Set(listMounts().map(({ mountPoint }) => mountPoint));
  await forEach(engine, engine.sandboxes.list(), (sandbox) => recoverSandbox(engine, sandbox, mounted));
  await restoreHostPorts(engine);
  await forEach(engine, engine.containers.list(), (container) => recoverContainer(engine, container));
  await removeStrays(engine);
}

async function forEach<T extends { readonly id: string }>(
  engine: Engine,
  records: readonly T[],
  action: (record: T) => Promise<void>,
): Promise<void> {
  const attempt = async (record: T): Promise<void> => {
    try {
      await action(record);
    } catch (error) {
      engine.logger.error({ id: record.id, error: messageOf(error) }, "cannot take up what an earlier run left");
    }
  };
  await Promise.all(records.map(attempt));
}

async function recoverSandbox(engine: Engine, sandbox: SandboxRecord, mounted: ReadonlySet<string>): Promise<void> {
  if (sandbox.state === "CREATING") {
    await releaseSandbox(engine, sandbox);
    await removeSandboxFiles(join(engine.sandboxesDir, sandbox.id));
    await engine.sandboxes.delete(sandbox.id);
    return;
  }
  const isWhole = sandbox.bootId === bootId() && Object.values(sandbox.pins).every((path) => mounted.has(path));
  if (sandbox.state === "NOTREADY" || isWhole) return;
  await releaseSandbox(engine, sandbox);
  await engine.sandboxes.update(sandbox.id, { state: "NOTREADY" });
}

async function restoreHostPorts(engine: Engine): Promise<void> {
  const ready = engine.sandboxes.list().filter(({ state }) => state === "READY");
  const pods = ready.flatMap(({ id, config, addresses }) => {
    const ports = hostPortsOf(config);
    return addresses === undefined || ports.length === 0 ? [] : [[id, { ip: addresses.ip, ports }] as const];
  });
  await engine.network.restoreHostPorts(new Map(pods));
}

async function recoverContainer(engine: Engine, container: ContainerRecord): Promise<void> {
  const { id } = container;
  if (engine.sandboxes.find(container.podSandboxId) === undefined) return await discardContainer(engine, id);
  if (container.state === "CONTAINER_EXITED") return;
  const exit = readExit(engine.runtime.directories.exits, id);
  if (exit !== undefined && !engine.runtime.oci.isUnstarted(id)) return await noteExit(engine, exit);
  if (container.state === "CONTAINER_CREATED") await recoverCreated(engine, container);
}

/**
 * What was being created may have come to be, or even have been started, before the record could say so. What ended without having been
 * started is forgotten, so that it can be made anew: nothing of it has run, and a pod that never restarts must not lose its only try.
 */
async function recoverCreated(engine: Engine, { id, createdAt }: ContainerRecord): Promise<void> {
  const processes = findProcesses(engine.runtime.directories, id);
  const state = (await engine.runtime.oci.state(id))?.status;
  if (processes !== undefined && state === "created") return await engine.containers.update(id, { processes });
  if (processes !== undefined && state === "running") {
    return await engine.containers.update(id, { processes, state: "CONTAINER_RUNNING", startedAt: createdAt });
  }
  if (state === undefined || engine.runtime.oci.isUnstarted(id)) return await discardContainer(engine, id);
  await engine.runtime.oci.delete(id);
  const end = {
    exitCode: 128,
    reason: "StartError",
    message: "The container ended while the node was not there to see it",
  };
  await engine.containers.update(id, { ...end, state: "CONTAINER_EXITED", finishedAt: Date.now() });
}

/** Things without a record: removals that were cut short. */
async function removeStrays(engine: Engine): Promise<void> {
  const { directories } = engine.runtime;
  const states = await readdir(directories.state);
  const bundles = await readdir(directories.bundles);
  const roots = await engine.snapshotter.listRootfs();
  const strays = new Set([...states, ...bundles, ...roots].filter((id) => engine.containers.find(id) === undefined));
  await forEach(
    engine,
    [...strays].map((id) => ({ id })),
    ({ id }) => discardContainer(engine, id),
  );
  const sandboxes = (await readdir(engine.sandboxesDir)).filter((id) => engine.sandboxes.find(id) === undefined);
  for (const id of sandboxes) {
    releaseSandboxFiles(join(engine.sandboxesDir, id), {});
    await removeSandboxFiles(join(engine.sandboxesDir, id));
  }
  const live = engine.sandboxes.list().filter(({ state }) => state !== "NOTREADY");
  const freed = await engine.network.reconcile(new Set(live.map(({ id }) => id)));
  if (strays.size + sandboxes.length + freed > 0) {
    const counts = { containers: strays.size, sandboxes: sandboxes.length, addresses: freed };
    engine.logger.info(counts, "removed what an earlier run had left behind");
  }
}
