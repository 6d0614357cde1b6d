import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { KeyedMutex } from "../base/keyed-mutex.ts";
import type { Logger } from "../base/log.ts";
import type { RuntimeService } from "../cri/runtime-service.ts";
import { detectCgroups } from "../linux/cgroup-layout.ts";
import type { Metadata } from "../metadata/metadata.ts";
import { PodNetwork } from "../network/pod-network.ts";
import { openContainerRuntime } from "../runtime/container-runtime.ts";
import { ExitWatcher, readExit } from "../runtime/exit-watcher.ts";
import { findRuntimePrograms } from "../runtime/runtime-programs.ts";
import { attachContainer } from "./attach.ts";
import { noteExit, noteVanished } from "./container-exits.ts";
import type { ContainerImages } from "./container-images.ts";
import { containerStats, listContainerStats } from "./container-stats.ts";
import { containerStatus, listContainers } from "./container-status.ts";
import { createContainer } from "./create-container.ts";
import type { Engine, RootfsSnapshotter } from "./engine.ts";
import { type ContainerRecord, RECORD_VERSION, type SandboxRecord } from "./engine-records.ts";
import { EventHub } from "./event-hub.ts";
import { execSync } from "./exec-sync.ts";
import { exec } from "./exec.ts";
import { listPodSandbox, podSandboxStatus } from "./pod-sandbox-status.ts";
import { portForward } from "./port-forward.ts";
import { RecordStore } from "./record-store.ts";
import { recover } from "./recover.ts";
import { removeContainer } from "./remove-container.ts";
import { removePodSandbox } from "./remove-pod-sandbox.ts";
import { reopenContainerLog } from "./reopen-container-log.ts";
import { runPodSandbox } from "./run-pod-sandbox.ts";
import { runtimeStatus, runtimeVersion } from "./runtime-status.ts";
import { startContainer } from "./start-container.ts";
import { stopContainer } from "./stop-container.ts";
import { stopPodSandbox } from "./stop-pod-sandbox.ts";
import { toCriError } from "./to-cri-error.ts";
import { updateContainerResources } from "./update-container-resources.ts";
import { updateRuntimeConfig } from "./update-runtime-config.ts";

export interface RuntimeServiceOptions {
  /** Directory for what outlives a boot. */
  readonly root: string;
  /** Directory for what lives as long as a boot; short, since sockets are in it. */
  readonly runRoot: string;
  /** Directory that all clusters of this host share, for what belongs to the host. */
  readonly hostRunRoot: string;
  /** Id of the cluster, unique on this host; kernel objects carry it in their names. */
  readonly instance: string;
  /** Berth's version. */
  readonly version: string;
  readonly metadata: Metadata;
  readonly images: ContainerImages;
  readonly snapshotter: RootfsSnapshotter;
  readonly logger: Logger;
}

/** The engine's containers. Disposing it stops watching them; they go on running. */
export interface ContainerService extends RuntimeService, AsyncDisposable {}

/** Opens the runtime service and takes up what an earlier run left. Throws `RuntimeError` where a program is missing. */
export async function createRuntimeService(options: RuntimeServiceOptions): Promise<ContainerService> {
  const engine = await openEngine(options);
  await recover(engine);
  return new EngineService(engine, options.version);
}

/** Returns the cgroup that everything of a cluster is below. */
export function cgroupRootOf(instance: string): string {
  return `/berth-${instance}`;
}

async function openEngine(options: RuntimeServiceOptions): Promise<Engine> {
  const { root, runRoot, instance, metadata, logger } = options;
  const sandboxesDir = join(runRoot, "sandboxes");
  const cgroups = detectCgroups();
  const cgroupRoot = cgroupRootOf(instance);
  const programs = findRuntimePrograms(cgroups);
  await mkdir(sandboxesDir, { recursive: true, mode: 0o711 });
  const node = metadata.records<{ podCidr: string }>("node-network", RECORD_VERSION);
  const network = new PodNetwork({ instance, dataDir: join(root, "network"), hostDir: options.hostRunRoot });
  await configureAgain(network, node.get("pods")?.podCidr, logger);
  return {
    sandboxes: new RecordStore(metadata.records<SandboxRecord>("sandboxes", RECORD_VERSION), "sandbox"),
    containers: new RecordStore(metadata.records<ContainerRecord>("containers", RECORD_VERSION), "container"),
    events: new EventHub(),
    runtime: await openContainerRuntime({ programs, cgroups, runDir: runRoot, conmonCgroup: `${cgroupRoot}/conmon` }),
    network,
    images: options.images,
    snapshotter: options.snapshotter,
    sandboxesDir,
    cgroupRoot,
    locks: new KeyedMutex(),
    creating: new Map(),
    starting: new Map(),
    exits: new Map(),
    savePodCidr: (podCidr) => node.put("pods", { podCidr }),
    logger,
  };
}

async function configureAgain(network: PodNetwork, podCidr: string | undefined, logger: Logger): Promise<void> {
  if (podCidr === undefined) return;
  try {
    await network.configure(podCidr);
  } catch (error) {
    // The network's status tells it to whoever asks; containers can be looked after meanwhile.
    logger.error({ error: messageOf(error) }, "the pod network is not ready");
  }
}

// Events of the exit directory are prompt; this is for those lost, and for conmons that were killed.
const RELIST_MS = 1000;

class EngineService implements ContainerService {
  readonly #engine: Engine;
  readonly #version: string;
  readonly #watcher: ExitWatcher;
  readonly #relist: NodeJS.Timeout;
  #relisting = false;

  constructor(engine: Engine, version: string) {
    this.#engine = engine;
    this.#version = version;
    this.#watcher = new ExitWatcher(
      engine.runtime.directories.exits,
      (exit) => void this.#guard(noteExit(engine, exit)),
    );
    this.#relist = setInterval(() => void this.#guard(this.#look()), RELIST_MS);
  }

  version: RuntimeService["version"] = () => Promise.resolve(runtimeVersion(this.#version));
  status: RuntimeService["status"] = () => Promise.resolve(runtimeStatus(this.#engine));
  updateRuntimeConfig: RuntimeService["updateRuntimeConfig"] = ({ podCidr }) =>
    verb(() => updateRuntimeConfig(this.#engine, podCidr));

  runPodSandbox: RuntimeService["runPodSandbox"] = (config, runtimeHandler = "", signal) =>
    verb(() => runPodSandbox(this.#engine, config, { runtimeHandler, signal }));
  stopPodSandbox: RuntimeService["stopPodSandbox"] = (id) => verb(() => stopPodSandbox(this.#engine, id));
  removePodSandbox: RuntimeService["removePodSandbox"] = (id) => verb(() => removePodSandbox(this.#engine, id));
  podSandboxStatus: RuntimeService["podSandboxStatus"] = (id) => verb(() => podSandboxStatus(this.#engine, id));
  listPodSandbox: RuntimeService["listPodSandbox"] = (filter) => verb(() => listPodSandbox(this.#engine, filter));

  // The sandbox's configuration is taken from its record: a later copy has no say.
  createContainer: RuntimeService["createContainer"] = (sandboxId, config, _sandboxConfig, signal) =>
    verb(() => createContainer(this.#engine, sandboxId, config, signal));
  startContainer: RuntimeService["startContainer"] = (id) => verb(() => startContainer(this.#engine, id));
  stopContainer: RuntimeService["stopContainer"] = (id, seconds) =>
    verb(() => stopContainer(this.#engine, id, seconds));
  removeContainer: RuntimeService["removeContainer"] = (id) => verb(() => removeContainer(this.#engine, id));
  listContainers: RuntimeService["listContainers"] = (filter) => verb(() => listContainers(this.#engine, filter));
  containerStatus: RuntimeService["containerStatus"] = (id) => verb(() => containerStatus(this.#engine, id));
  updateContainerResources: RuntimeService["updateContainerResources"] = (id, resources) =>
    verb(() => updateContainerResources(this.#engine, id, resources));
  reopenContainerLog: RuntimeService["reopenContainerLog"] = (id) => verb(() => reopenContainerLog(this.#engine, id));

  execSync: RuntimeService["execSync"] = (containerId, command, timeoutSeconds) =>
    verb(() => execSync(this.#engine, { containerId, command, timeoutSeconds }));
  exec: RuntimeService["exec"] = (request, streams, signal) =>
    verb(() => exec(this.#engine, request, { streams, signal }));
  attach: RuntimeService["attach"] = (request, streams, signal) =>
    verb(() => attachContainer(this.#engine, request, { streams, signal }));
  portForward: RuntimeService["portForward"] = (podSandboxId, port, stream, signal) =>
    verb(() => portForward(this.#engine, { podSandboxId, port, stream, signal }));

  containerStats: RuntimeService["containerStats"] = (id) => verb(() => containerStats(this.#engine, id));
  listContainerStats: RuntimeService["listContainerStats"] = (filter) =>
    verb(() => listContainerStats(this.#engine, filter));
  getContainerEvents: RuntimeService["getContainerEvents"] = (signal) => this.#engine.events.subscribe(signal);

  [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#relist);
    this.#watcher.close();
    return Promise.resolve();
  }

  async #look(): Promise<void> {
    if (this.#relisting) return;
    this.#relisting = true;
    try {
      await noteEnded(this.#engine);
      await noteVanished(this.#engine);
    } finally {
      this.#relisting = false;
    }
  }

  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#engine.logger.error({ error: messageOf(error) }, "cannot take note of how containers ended");
    }
  }
}

async function noteEnded(engine: Engine): Promise<void> {
  const open = engine.containers.list().filter(({ state }) => state !== "CONTAINER_EXITED");
  const exits = open.flatMap(({ id }) => readExit(engine.runtime.directories.exits, id) ?? []);
  await Promise.all(exits.map((exit) => noteExit(engine, exit)));
}

/** Runs a verb; whatever it throws comes out as CRI has it. */
async function verb<T>(action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toCriError(error);
  }
}
