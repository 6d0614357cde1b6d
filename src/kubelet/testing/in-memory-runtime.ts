import type { Duplex } from "node:stream";

import { AsyncQueue } from "../../base/async-queue.ts";
import type { Clock } from "../../base/clock.ts";
import { CriError } from "../../cri/cri-error.ts";
import type {
  Container,
  ContainerConfig,
  ContainerEvent,
  ContainerFilter,
  ContainerStats,
  ContainerStatus,
  ExecSyncResult,
  PodSandbox,
  PodSandboxConfig,
  PodSandboxFilter,
  PodSandboxStatus,
  RuntimeService,
  RuntimeStatus,
  VersionInfo,
} from "../../cri/runtime-service.ts";
import { scriptedImageId } from "./scripted-images.ts";

/**
 * A runtime without processes: sandboxes and containers are records that go through the states CRI gives them. Containers run until told
 * to exit, or stop when asked to. For tests of what a kubelet decides.
 */
export class InMemoryRuntime implements RuntimeService {
  readonly #clock: Clock;
  readonly #sandboxes = new Map<string, PodSandboxStatus>();
  readonly #containers = new Map<string, ContainerStatus>();
  readonly #listeners = new Set<AsyncQueue<ContainerEvent>>();
  #ids = 0;
  /** Calls made, in order: verb and what it was for. */
  readonly calls: string[] = [];
  /** Thrown by the next call of a verb. */
  readonly failures = new Map<string, CriError>();
  /** Exit code of a container that is stopped. */
  stopExitCode = 143;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends a running container by its name in the pod. */
  exit(name: string, exitCode: number): void {
    const running = [...this.#containers.values()].find(
      ({ metadata, state }) => metadata.name === name && state === "CONTAINER_RUNNING",
    );
    if (running === undefined) throw new RangeError(`no running container "${name}"`);
    this.#end(running, exitCode);
  }

  /** Loses everything, as a reboot does. */
  forgetAll(): void {
    this.#sandboxes.clear();
    this.#containers.clear();
  }

  version(): Promise<VersionInfo> {
    const version = { version: "0.1.0", runtimeName: "memory", runtimeVersion: "1", runtimeApiVersion: "v1" };
    return Promise.resolve(version);
  }

  status(): Promise<RuntimeStatus> {
    const condition = { status: true, reason: "", message: "" };
    const conditions = (["RuntimeReady", "NetworkReady"] as const).map((type) => ({ type, ...condition }));
    return Promise.resolve({ conditions });
  }

  updateRuntimeConfig(): Promise<void> {
    return Promise.resolve();
  }

  runPodSandbox(config: PodSandboxConfig): Promise<string> {
    this.#called("runPodSandbox", config.metadata.name);
    const id = this.#newId("sandbox");
    const { metadata, labels, annotations } = config;
    this.#sandboxes.set(id, {
      id,
      metadata,
      labels,
      annotations,
      state: "SANDBOX_READY",
      createdAt: this.#clock.now(),
      runtimeHandler: "",
      network: { ip: `10.0.0.${this.#ids}`, additionalIps: [] },
      namespaces: config.linux.securityContext.namespaceOptions,
    });
    return Promise.resolve(id);
  }

  stopPodSandbox(id: string): Promise<void> {
    this.#called("stopPodSandbox", id);
    const sandbox = this.#sandboxes.get(id);
    if (sandbox === undefined) return Promise.resolve();
    this.#sandboxes.set(id, { ...sandbox, state: "SANDBOX_NOTREADY" });
    for (const container of this.#containers.values()) {
      if (container.podSandboxId === id && container.state === "CONTAINER_RUNNING") this.#end(container, 137);
    }
    return Promise.resolve();
  }

  removePodSandbox(id: string): Promise<void> {
    this.#called("removePodSandbox", id);
    this.#sandboxes.delete(id);
    return Promise.resolve();
  }

  podSandboxStatus(id: string): Promise<PodSandboxStatus> {
    return this.#found(this.#sandboxes.get(id), id);
  }

  listPodSandbox(filter: PodSandboxFilter = {}): Promise<PodSandbox[]> {
    return Promise.resolve([...this.#sandboxes.values()].filter((sandbox) => matches(sandbox, filter)));
  }

  createContainer(podSandboxId: string, config: ContainerConfig, sandbox: PodSandboxConfig): Promise<string> {
    this.#called("createContainer", config.metadata.name);
    const id = this.#newId(config.metadata.name);
    const { metadata, image, labels, annotations, mounts, logPath } = config;
    this.#containers.set(id, {
      id,
      podSandboxId,
      metadata,
      image,
      labels,
      annotations,
      mounts,
      logPath: `${sandbox.logDirectory}/${logPath}`,
      imageRef: `${image.image}@sha256:0`,
      imageId: scriptedImageId(image.image),
      state: "CONTAINER_CREATED",
      createdAt: this.#clock.now(),
      startedAt: 0,
      finishedAt: 0,
      exitCode: 0,
      reason: "",
      message: "",
      pid: 0,
      stopSignal: "",
    });
    return Promise.resolve(id);
  }

  startContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    this.#called("startContainer", container?.metadata.name ?? id);
    if (container !== undefined) {
      this.#containers.set(id, { ...container, state: "CONTAINER_RUNNING", startedAt: this.#clock.now(), pid: 1 });
      this.#tell(container, "CONTAINER_STARTED_EVENT");
    }
    return Promise.resolve();
  }

  stopContainer(id: string, timeoutSeconds: number): Promise<void> {
    const container = this.#containers.get(id);
    this.#called("stopContainer", `${container?.metadata.name} ${timeoutSeconds}`);
    if (container?.state === "CONTAINER_RUNNING") this.#end(container, this.stopExitCode);
    return Promise.resolve();
  }

  removeContainer(id: string): Promise<void> {
    this.#called("removeContainer", id);
    this.#containers.delete(id);
    return Promise.resolve();
  }

  listContainers(filter: ContainerFilter = {}): Promise<Container[]> {
    return Promise.resolve([...this.#containers.values()].filter((container) => matches(container, filter)));
  }

  containerStatus(id: string): Promise<ContainerStatus> {
    return this.#found(this.#containers.get(id), id);
  }

  execSync(id: string, command: readonly string[]): Promise<ExecSyncResult> {
    this.#called("execSync", command.join(" "));
    return this.#containers.has(id)
      ? Promise.resolve({
          exitCode: command[0] === "false" ? 1 : 0,
          stdout: Buffer.from("said"),
          stderr: Buffer.alloc(0),
        })
      : this.#found<ExecSyncResult>(undefined, id);
  }

  async *getContainerEvents(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const queue = new AsyncQueue<ContainerEvent>();
    this.#listeners.add(queue);
    signal.addEventListener("abort", () => queue.close(), { once: true });
    try {
      yield* queue;
    } finally {
      this.#listeners.delete(queue);
    }
  }

  updateContainerResources(): Promise<void> {
    return unimplemented("updateContainerResources");
  }

  reopenContainerLog(): Promise<void> {
    return unimplemented("reopenContainerLog");
  }

  exec(): Promise<number> {
    return unimplemented("exec");
  }

  attach(): Promise<void> {
    return unimplemented("attach");
  }

  portForward(_podSandboxId: string, _port: number, _stream: Duplex): Promise<void> {
    return unimplemented("portForward");
  }

  containerStats(): Promise<ContainerStats> {
    return unimplemented("containerStats");
  }

  listContainerStats(): Promise<ContainerStats[]> {
    return unimplemented("listContainerStats");
  }

  #end(container: ContainerStatus, exitCode: number): void {
    this.#containers.set(container.id, {
      ...container,
      state: "CONTAINER_EXITED",
      exitCode,
      finishedAt: this.#clock.now(),
      pid: 0,
      reason: exitCode === 0 ? "Completed" : "Error",
    });
    this.#tell(container, "CONTAINER_STOPPED_EVENT");
  }

  #tell({ id, podSandboxId }: ContainerStatus, type: ContainerEvent["type"]): void {
    for (const queue of this.#listeners)
      queue.push({ containerId: id, podSandboxId, type, createdAt: this.#clock.now() });
  }

  #called(verb: string, subject: string): void {
    this.calls.push(`${verb} ${subject}`);
    const failure = this.failures.get(verb);
    this.failures.delete(verb);
    if (failure !== undefined) throw failure;
  }

  #newId(prefix: string): string {
    this.#ids++;
    return `${prefix}-${this.#ids}`;
  }

  #found<T>(object: T | undefined, id: string): Promise<T> {
    if (object !== undefined) return Promise.resolve(object);
    return Promise.reject(new CriError("NOT_FOUND", `Cannot find "${id}": it is not there`));
  }
}

interface Selectable {
  readonly id: string;
  readonly state: string;
  readonly labels: Readonly<Record<string, string>>;
}

function matches(object: Selectable, { id, state, labelSelector = {} }: PodSandboxFilter | ContainerFilter): boolean {
  const isSelected = Object.entries(labelSelector).every(([key, value]) => object.labels[key] === value);
  return isSelected && (id === undefined || id === object.id) && (state === undefined || state === object.state);
}

function unimplemented(verb: string): Promise<never> {
  return Promise.reject(new CriError("UNIMPLEMENTED", `Cannot ${verb}: this runtime has no processes`));
}
