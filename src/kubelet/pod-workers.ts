import { setTimeout as delay } from "node:timers/promises";

import type { PodStatus } from "../api/core-v1.gen.ts";
import type { NodePod } from "./node-pod.ts";
import type { PodServices } from "./pod-services.ts";
import { PodWorker } from "./pod-worker.ts";

/** One worker for each pod of the node, by uid. */
export class PodWorkers {
  readonly #services: PodServices;
  readonly #workers = new Map<string, RunningWorker>();
  readonly #onFinished: (pod: NodePod) => void;

  constructor(services: PodServices, onFinished: (pod: NodePod) => void) {
    this.#services = services;
    this.#onFinished = onFinished;
  }

  /** Takes up a pod, or a newer version of it. */
  update(pod: NodePod, apiStatus: PodStatus | undefined): void {
    const known = this.#workers.get(pod.uid);
    if (known === undefined) this.#start(pod, apiStatus);
    else known.worker.update(pod, apiStatus);
  }

  /** The pod's object is gone. */
  remove(uid: string): void {
    this.#workers.get(uid)?.worker.remove();
  }

  /** Ends what the runtime holds of a pod whose object is gone, which no worker knows. */
  removeOrphan(pod: NodePod): void {
    if (this.#workers.has(pod.uid)) return;
    this.#start(pod, undefined);
    this.remove(pod.uid);
  }

  wake(uid: string): void {
    this.#workers.get(uid)?.worker.wake();
  }

  has(uid: string): boolean {
    return this.#workers.has(uid);
  }

  /** Returns the pods that have a worker. */
  pods(): readonly NodePod[] {
    return [...this.#workers.values()].map(({ worker }) => worker.pod);
  }

  /** Ends all workers and leaves the pods as they are. What waits for a container to end is not waited for. */
  async close(): Promise<void> {
    const running = [...this.#workers.values()];
    for (const { worker } of running) worker.close();
    const ended = Promise.all(running.map(({ done }) => done));
    await Promise.race([ended, delay(CLOSE_MS, undefined, { ref: false })]);
  }

  #start(pod: NodePod, apiStatus: PodStatus | undefined): void {
    const worker = new PodWorker(this.#services, pod, apiStatus);
    this.#workers.set(pod.uid, { worker, done: this.#run(worker) });
  }

  async #run(worker: PodWorker): Promise<void> {
    await worker.run();
    if (!worker.isFinished) return;
    this.#workers.delete(worker.pod.uid);
    this.#onFinished(worker.pod);
  }
}

const CLOSE_MS = 1000;

interface RunningWorker {
  readonly worker: PodWorker;
  readonly done: Promise<void>;
}
