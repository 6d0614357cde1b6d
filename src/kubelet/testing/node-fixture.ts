import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { Container, Pod, PodSpec, PodStatus } from "../../api/core-v1.gen.ts";
import { applyDefaults } from "../../api/defaults/apply-defaults.ts";
import { PODS } from "../../api/resource-types.ts";
import { silentLogger } from "../../base/log.ts";
import type { EventFacts, EventRecorder } from "../../client/event-recorder.ts";
import type { ObjectReference } from "../../api/core-v1.gen.ts";
import { Secret } from "../../base/secret.ts";
import { createPodServices } from "../create-pod-services.ts";
import type { KubeletConfig } from "../kubelet-options.ts";
import type { HostInfo } from "../node/host-info.ts";
import { nodePodOf } from "../node-pod.ts";
import { PodWorkers } from "../pod-workers.ts";
import { StatusManager } from "../status/status-manager.ts";
import { InMemoryRestClient } from "./in-memory-rest-client.ts";
import { InMemoryRuntime } from "./in-memory-runtime.ts";
import { ManualClock } from "./manual-clock.ts";
import { ScriptedImages } from "./scripted-images.ts";

const HOST: HostInfo = {
  machineId: "m",
  systemUuid: "s",
  bootId: "b",
  kernelVersion: "6.1",
  osImage: "Debian",
  architecture: "amd64",
  cpuCount: 2,
  memoryBytes: 4 * 1024 ** 3,
  swapBytes: 0,
  hugePages: new Map(),
};

/** A node whose pods are real and whose runtime, images and API are in memory; time moves when told. */
export class NodeFixture implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly client = new InMemoryRestClient();
  readonly runtime = new InMemoryRuntime(this.clock);
  readonly images = new ScriptedImages();
  /** Events as `TYPE REASON MESSAGE`, in order. */
  readonly events: string[] = [];
  /** References of the images that containers were to be made from, in order. */
  readonly imagesUsed: string[] = [];
  readonly rootDir: string;
  readonly #config: KubeletConfig;
  readonly #stop = new AbortController();
  #workers: PodWorkers | undefined;

  private constructor(rootDir: string, config: KubeletConfig) {
    this.rootDir = rootDir;
    this.#config = config;
  }

  static async open(config: KubeletConfig = {}): Promise<NodeFixture> {
    const fixture = new NodeFixture(await mkdtemp(join(tmpdir(), "kubelet-node-")), config);
    await writeFile(join(fixture.rootDir, "resolv.conf"), "nameserver 10.1.1.1\n");
    await fixture.restart();
    return fixture;
  }

  get workers(): PodWorkers {
    if (this.#workers === undefined) throw new TypeError("the node is not open");
    return this.#workers;
  }

  /** Ends the kubelet's memory and starts it anew over what runs. */
  async restart(): Promise<void> {
    await this.#workers?.close();
    const { client, runtime, images, clock, rootDir } = this;
    const signal = this.#stop.signal;
    const statuses = new StatusManager({ client, apiUidOf: ({ uid }) => uid, clock, logger: silentLogger, signal });
    const services = await createPodServices(
      {
        client,
        runtime,
        images,
        rootDir,
        clock,
        logger: silentLogger,
        nodeName: "node-1",
        logsDir: join(rootDir, "logs"),
        nodeIps: ["192.168.0.1"],
        listen: { host: "127.0.0.1", port: 0 },
        serving: { certificate: "", key: new Secret("") },
        clientCa: "",
        config: { ...this.#config, credentialFiles: [{ path: join(rootDir, "config.json"), format: "config.json" }] },
        hostInfo: HOST,
      },
      {
        surroundings: { host: HOST, version: await runtime.version(), resolvConf: join(rootDir, "resolv.conf") },
        statuses,
        recorder: this.#recorder(),
        clock,
        onPulled: () => {},
        onImageUsed: (reference) => void this.imagesUsed.push(reference),
      },
    );
    this.#workers = new PodWorkers(services, () => {});
    void this.#followRuntime(this.#workers);
  }

  /** Binds a pod to the node, as the API would give it. */
  addPod(name: string, spec: Partial<PodSpec>, status: PodStatus = {}): Pod {
    const containers = spec.containers ?? [container("main")];
    const metadata = { name, namespace: "default", uid: `uid-${name}`, resourceVersion: "1" };
    const pod = applyDefaults("Pod", { metadata, spec: { nodeName: "node-1", ...spec, containers }, status });
    this.client.put(PODS, pod);
    this.workers.update(nodePodOf(pod), pod.status);
    return pod;
  }

  /** Sets a pod's deletion time, as the API does when somebody deletes it. */
  deletePod(pod: Pod, graceSeconds = 30): void {
    const deletionTimestamp = new Date(this.clock.now() + graceSeconds * 1000).toISOString();
    const metadata = { ...pod.metadata, deletionTimestamp, deletionGracePeriodSeconds: graceSeconds };
    this.workers.update(nodePodOf({ ...pod, metadata }), pod.status);
  }

  /** Returns the status that the API has of a pod. */
  async statusOf(name: string): Promise<PodStatus> {
    return (await this.client.get(PODS, { namespace: "default", name })).status ?? {};
  }

  /** Waits until the API's status of a pod is as wanted, and returns it. */
  async until(name: string, isWanted: (status: PodStatus) => boolean): Promise<PodStatus> {
    for (let tries = 0; tries < 400; tries++) {
      const status = await this.statusOf(name).catch(() => ({}));
      if (isWanted(status)) return status;
      await delay(5);
    }
    const status = await this.statusOf(name).catch(String);
    throw new Error(`pod ${name} never became as wanted: ${JSON.stringify(status)} ${this.events.join(" | ")}`);
  }

  /** Waits until something is so. */
  async untilTrue(isSo: () => boolean): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      if (isSo()) return;
      await delay(5);
    }
    throw new Error(`never became so: ${isSo.toString()} ${this.events.join(" | ")}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#workers?.close();
    await rm(this.rootDir, { recursive: true, force: true });
  }

  async #followRuntime(workers: PodWorkers): Promise<void> {
    for await (const { podSandboxId } of this.runtime.getContainerEvents(this.#stop.signal)) {
      const status = await this.runtime.podSandboxStatus(podSandboxId).catch(() => undefined);
      if (status !== undefined) workers.wake(status.metadata.uid);
    }
  }

  #recorder(): EventRecorder {
    return {
      record: ({ fieldPath }: ObjectReference, { type, reason, message }: EventFacts) => {
        this.events.push(`${type} ${reason} ${fieldPath === undefined ? "" : `${fieldPath} `}${message}`);
      },
      flush: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}

/** Returns a container spec with what a test says of it. */
export function container(name: string, fields: Partial<Container> = {}): Container {
  return { name, image: `r.io/${name}:1`, ...fields };
}
