import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { Node, Pod } from "../api/core-v1.gen.ts";
import { applyDefaults } from "../api/defaults/apply-defaults.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { createEventRecorder, type EventRecorder } from "../client/event-recorder.ts";
import type { Informer } from "../client/informer.ts";
import { createPodServices, type Surroundings } from "./create-pod-services.ts";
import type { KubeletOptions } from "./kubelet-options.ts";
import { collectImages } from "./image-gc/collect-images.ts";
import { ImageGarbage } from "./image-gc/image-garbage.ts";
import { DEFAULT_IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from "./image-gc/image-garbage-policy.ts";
import { readFilesystemRoom, readHostInfo } from "./node/host-info.ts";
import { createNodeEvents, type NodeEvents } from "./node/node-events.ts";
import { NodeRegistration } from "./node/node-registration.ts";
import { readNodeStatus } from "./node/read-node-status.ts";
import type { PodRef } from "./node-pod.ts";
import { orphanPodOf, removeOrphanDirectories } from "./orphans.ts";
import { PodChanges } from "./pod-changes.ts";
import { podDirectories } from "./pod-directories.ts";
import { watchPodLifecycle } from "./pod-lifecycle-events.ts";
import { PodManager } from "./pod-manager.ts";
import { listRuntimePods, readPodRuntime } from "./pod-runtime.ts";
import type { PodServices } from "./pod-services.ts";
import { PodWorkers } from "./pod-workers.ts";
import { hostResolvConf } from "./sandbox/host-resolv-conf.ts";
import { type NodeServer, startNodeServer } from "./server/node-server.ts";
import { createNodePodInformer } from "./sources/api-pods.ts";
import { createMirrorPods } from "./sources/mirror-pods.ts";
import { watchStaticPods } from "./sources/static-pods.ts";
import { isTerminalPhase } from "./status/pod-phase.ts";
import { StatusManager } from "./status/status-manager.ts";
import { stopPod } from "./stop-pod.ts";

/** The agent of one node: runs the pods bound to it and tells the API how they and the node are. */
export interface Kubelet extends AsyncDisposable {
  /** Resolves when the node's server listens. The node becomes ready when runtime and network are. Once per kubelet. */
  start(): Promise<void>;
  /** Where the node's server listens, once started. */
  readonly port: number;
  /** Stops the kubelet and leaves all containers as they are: the next one takes them up. Idempotent. */
  close(): Promise<void>;
  /**
   * Stops the kubelet, then ends all pods of the node with their grace. What they were stays on the node and in the API, so that the next
   * kubelet goes on from there. Throws `AggregateError` where some could not be ended.
   */
  drain(): Promise<void>;
}

/** Returns a kubelet that does nothing until it is started. */
export function createKubelet(options: KubeletOptions): Kubelet {
  return new NodeKubelet(options);
}

class NodeKubelet implements Kubelet {
  readonly #options: KubeletOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #changes = new PodChanges();
  #server: NodeServer | undefined;
  #services: PodServices | undefined;
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #podCidr: string | undefined;

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get port(): number {
    return this.#server?.port ?? this.#options.listen.port;
  }

  async start(): Promise<void> {
    const { client, logger, nodeName, config = {} } = this.#options;
    const { signal } = this.#stop;
    const clock = this.#clock;
    const surroundings = await findSurroundings(this.#options);
    const recorder = createEventRecorder({ client, component: "kubelet", host: nodeName, clock, logger });
    const informer = createNodePodInformer(client, nodeName, logger);
    const statuses = new StatusManager({ client, apiUidOf: (pod) => manager.apiUidOf(pod), clock, logger, signal });
    const services = await createPodServices(this.#options, {
      surroundings,
      statuses,
      recorder,
      clock,
      onPulled: () => registration.wake(),
      onImageUsed: (reference) => garbage.used(reference),
    });
    const workers = new PodWorkers(services, (pod) => manager.onFinished(pod));
    const mirrors = createMirrorPods({ client, node: () => registration.node, logger });
    const hasStaticPods = config.staticPodPath !== undefined;
    const manager = new PodManager({ informer, workers, statuses, mirrors, hasStaticPods });
    const nodeEvents = createNodeEvents(recorder, nodeName);
    const registration = this.#createRegistration({ surroundings, nodeEvents }, (node) => this.#onNode(node, manager));
    const garbage = this.#createImageGarbage({ manager, nodeEvents, registration });
    this.#services = services;
    // A range that is known beforehand makes the network ready before the node first tells how it is.
    [this.#server] = await Promise.all([this.#listen(manager), this.#setPodCidr(config.podCidr)]);
    const parts = { manager, workers, registration, garbage };
    this.#running = this.#run(parts, { informer, recorder, nodeEvents });
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async drain(): Promise<void> {
    await this.close();
    const services = this.#services;
    if (services === undefined) return;
    const pods = await listRuntimePods(services.runtime);
    const ending = [...pods.values()].map(async (ref) => {
      await stopPod(services, { pod: orphanPodOf(ref), runtime: await readPodRuntime(services.runtime, ref.uid) });
    });
    const failed = (await Promise.allSettled(ending)).flatMap((result) =>
      result.status === "rejected" ? [result.reason] : [],
    );
    if (failed.length > 0) throw new AggregateError(failed, `Cannot end ${failed.length} of the node's pods`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([this.#running, this.#server?.[Symbol.asyncDispose]()]);
  }

  async #run({ manager, workers, registration, garbage }: Parts, wires: Wires): Promise<void> {
    const { informer, recorder, nodeEvents } = wires;
    const { runtime, logger, config = {} } = this.#options;
    const { signal } = this.#stop;
    const onRelist = (pods: ReadonlyMap<string, PodRef>) => this.#onRelist(pods, manager, workers);
    const onChange = (uid: string) => {
      workers.wake(uid);
      this.#changes.tell(uid);
    };
    await Promise.all([
      informer.run(signal),
      registration.run(signal),
      collectImages({
        garbage,
        policy: this.#imageGarbagePolicy,
        isReady: () => manager.isSynced,
        nodeEvents,
        clock: this.#clock,
        logger,
        signal,
      }),
      watchPodLifecycle({ runtime, onChange, onRelist, clock: this.#clock, logger, signal }),
      ...(config.staticPodPath === undefined ? [] : [this.#watchStaticPods(config.staticPodPath, manager)]),
    ]);
    await workers.close();
    await recorder[Symbol.asyncDispose]();
  }

  #listen(pods: PodManager): Promise<NodeServer> {
    const { nodeName, listen, serving, clientCa, runtime, logger } = this.#options;
    const onPodChange = (uid: string, callback: () => void) => this.#changes.subscribe(uid, callback);
    return startNodeServer({ nodeName, ...listen, ...serving, clientCa, runtime, pods, onPodChange, logger });
  }

  get #imageGarbagePolicy(): ImageGarbagePolicy {
    return { ...DEFAULT_IMAGE_GARBAGE_POLICY, ...this.#options.config?.imageGarbage };
  }

  #createImageGarbage({ manager, nodeEvents, registration }: GarbageParts): ImageGarbage {
    const { runtime, images, rootDir, logger } = this.#options;
    return new ImageGarbage({
      runtime,
      images,
      pods: () => manager.list().flatMap(({ pod, status }) => (isTerminalPhase(status?.phase) ? [] : [pod.spec])),
      policy: this.#imageGarbagePolicy,
      usageFile: join(rootDir, "image-usage.json"),
      readRoom: readFilesystemRoom,
      nodeEvents,
      onRemoved: () => registration.wake(),
      clock: this.#clock,
      logger,
    });
  }

  #createRegistration({ surroundings, nodeEvents }: NodeParts, onNode: (node: Node) => void): NodeRegistration {
    const { client, nodeName, logger, config = {} } = this.#options;
    const labels = {
      "kubernetes.io/arch": surroundings.host.architecture,
      "kubernetes.io/os": "linux",
      "kubernetes.io/hostname": nodeName,
      ...config.nodeLabels,
    };
    const clock = this.#clock;
    return new NodeRegistration({
      client,
      nodeName,
      labels,
      taints: config.registerWithTaints ?? [],
      readStatus: (previous) =>
        readNodeStatus({ options: this.#options, surroundings, port: this.port, previous, clock }),
      events: nodeEvents,
      onNode,
      clock,
      logger,
    });
  }

  /** The node's object says which addresses its pods get, and static pods' mirrors belong to it. */
  #onNode(node: Node, manager: PodManager): void {
    void manager.ensureMirrors();
    void this.#setPodCidr(this.#options.config?.podCidr ?? node.spec?.podCIDR);
  }

  async #setPodCidr(podCidr: string | undefined): Promise<void> {
    const { runtime, logger } = this.#options;
    if (podCidr === undefined || podCidr === this.#podCidr) return;
    this.#podCidr = podCidr;
    try {
      await runtime.updateRuntimeConfig({ podCidr });
    } catch (error) {
      this.#podCidr = undefined;
      logger.warn({ podCidr, error: messageOf(error) }, "pod range not taken by the runtime");
    }
  }

  #onRelist(runtimePods: ReadonlyMap<string, PodRef>, manager: PodManager, workers: PodWorkers): void {
    if (!manager.isSynced) return;
    const { rootDir, logsDir, logger } = this.#options;
    manager.removeOrphans(runtimePods);
    void manager.ensureMirrors();
    const isKnown = (uid: string) => workers.has(uid) || runtimePods.has(uid);
    void removeOrphanDirectories({ directories: podDirectories(rootDir, logsDir), isKnown, logger });
  }

  #watchStaticPods(directory: string, manager: PodManager): Promise<void> {
    const { nodeName, logger } = this.#options;
    return watchStaticPods({
      directory,
      nodeName,
      applyDefaults: (pod) => applyDefaults("Pod", pod),
      onChange: (pods) => manager.setStaticPods(pods),
      clock: this.#clock,
      logger,
      signal: this.#stop.signal,
    });
  }
}

interface Parts {
  readonly manager: PodManager;
  readonly workers: PodWorkers;
  readonly registration: NodeRegistration;
  readonly garbage: ImageGarbage;
}

interface GarbageParts {
  readonly manager: PodManager;
  readonly nodeEvents: NodeEvents;
  readonly registration: NodeRegistration;
}

interface NodeParts {
  readonly surroundings: Surroundings;
  readonly nodeEvents: NodeEvents;
}

interface Wires {
  readonly informer: Informer<Pod>;
  readonly recorder: EventRecorder;
  readonly nodeEvents: NodeEvents;
}

async function findSurroundings({
  rootDir,
  logsDir,
  hostInfo,
  config,
  runtime,
}: KubeletOptions): Promise<Surroundings> {
  const [host, resolvConf, version] = await Promise.all([
    hostInfo ?? readHostInfo(),
    config?.resolvConf ?? hostResolvConf(),
    runtime.version(),
    mkdir(rootDir, { recursive: true, mode: 0o750 }),
    mkdir(logsDir, { recursive: true, mode: 0o755 }),
  ]);
  return { host, resolvConf, version };
}
