import { randomBytes } from "node:crypto";
import { join, posix } from "node:path";

import { failpoint } from "../base/failpoint.ts";
import { CriError } from "../cri/cri-error.ts";
import type { PodSandboxConfig, PortMapping } from "../cri/runtime-service.ts";
import { createCgroup } from "../linux/cgroup.ts";
import { setCgroupResources } from "../linux/cgroup-resources.ts";
import { pinNewNamespaces, setHostname, setSysctl } from "../linux/namespaces.ts";
import { bringInterfaceUp } from "../linux/network-interface.ts";
import { bootId } from "../linux/procfs.ts";
import type { Engine } from "./engine.ts";
import type { SandboxRecord } from "./engine-records.ts";
import { releaseSandbox } from "./release-sandbox.ts";
import { makeSandboxFiles, removeSandboxFiles, sandboxPins } from "./sandbox-files.ts";
import { checkedSysctls } from "./sandbox-sysctls.ts";

/** Makes a sandbox: pinned namespaces without a process in them, shared memory, a cgroup, an address. Returns its id. */
export async function runPodSandbox(
  engine: Engine,
  config: PodSandboxConfig,
  options: { readonly runtimeHandler: string; readonly signal?: AbortSignal | undefined },
): Promise<string> {
  const { runtimeHandler, signal } = options;
  if (runtimeHandler !== "") throw unknownHandler(runtimeHandler);
  signal?.throwIfAborted();
  const record = newRecord(engine, config, runtimeHandler);
  const sysctls = sysctlsOf(config);
  await engine.sandboxes.put(record);
  try {
    await failpoint("sandbox.after-record");
    makeSandboxFiles(directoryOf(engine, record.id), config);
    makeNamespaces(record, sysctls);
    makePodCgroup(engine, record);
    const { net } = record.pins;
    const addresses = net === undefined ? undefined : await engine.network.add(record.id, net, hostPortsOf(config));
    await failpoint("sandbox.after-network");
    signal?.throwIfAborted();
    const { sandboxes } = engine;
    await sandboxes.put({ ...record, state: "READY", ...(addresses === undefined ? {} : { addresses }) });
  } catch (error) {
    await undo(engine, record);
    throw error;
  }
  return record.id;
}

/** Returns the ports that a pod has on the host; `hostPort` 0 is none. */
export function hostPortsOf({ portMappings = [] }: PodSandboxConfig): PortMapping[] {
  return portMappings.filter(({ hostPort }) => hostPort > 0);
}

function newRecord(engine: Engine, config: PodSandboxConfig, runtimeHandler: string): SandboxRecord {
  const id = randomBytes(32).toString("hex");
  return {
    id,
    config,
    runtimeHandler,
    state: "CREATING",
    createdAt: Date.now(),
    pins: sandboxPins(directoryOf(engine, id), config),
    bootId: bootId(),
    cgroupPath: cgroupPathOf(engine.cgroupRoot, config.linux.cgroupParent),
  };
}

/** The pod's cgroup stays below ours, where the end of the cluster finds it. */
function cgroupPathOf(root: string, parent: string): string {
  const path = posix.normalize(`/${parent}`);
  return path === root || path.startsWith(`${root}/`) ? path : posix.join(root, path);
}

function directoryOf(engine: Engine, id: string): string {
  return join(engine.sandboxesDir, id);
}

function sysctlsOf(config: PodSandboxConfig): [name: string, value: string][] {
  const { network, ipc } = config.linux.securityContext.namespaceOptions;
  return checkedSysctls(config.linux.sysctls ?? {}, { network: network !== "NODE", ipc: ipc !== "NODE" });
}

function makeNamespaces(record: SandboxRecord, sysctls: readonly [string, string][]): void {
  const { pins, config } = record;
  if (Object.keys(pins).length === 0) return;
  pinNewNamespaces(pins, () => {
    if (pins.uts !== undefined) setHostname(config.hostname);
    if (pins.net !== undefined) bringInterfaceUp("lo");
    for (const [name, value] of sysctls) setSysctl(name, value);
  });
}

function makePodCgroup(engine: Engine, record: SandboxRecord): void {
  const { cgroups } = engine.runtime;
  createCgroup(cgroups, record.cgroupPath);
  const missing = setCgroupResources(cgroups, record.cgroupPath, record.config.linux.resources ?? {});
  if (missing.length > 0)
    engine.logger.warn({ sandbox: record.id, missing }, "this machine cannot limit pods by these");
}

async function undo(engine: Engine, record: SandboxRecord): Promise<void> {
  try {
    await releaseSandbox(engine, record);
    await removeSandboxFiles(directoryOf(engine, record.id));
    await engine.sandboxes.delete(record.id);
  } catch (error) {
    // The record stays, and the next start takes the rest away.
    engine.logger.error({ sandbox: record.id, error }, "a sandbox that failed to start could not be cleaned up");
  }
}

function unknownHandler(name: string): CriError {
  return new CriError("INVALID_ARGUMENT", `Cannot run the sandbox: no runtime for "${name}" is configured`);
}
