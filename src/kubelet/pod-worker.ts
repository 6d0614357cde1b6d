import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";

import type { PodStatus } from "../api/core-v1.gen.ts";
import { PODS } from "../api/resource-types.ts";
import { messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import { isConflict, isNotFound } from "../client/status-answer.ts";
import type { ContainerStartError } from "./container-start-error.ts";
import { gracePeriodOf, MIN_GRACE_SECONDS } from "./kill-container.ts";
import { isStaticPod, type NodePod } from "./node-pod.ts";
import { deadlineOf } from "./pod-deadline.ts";
import { readPodRuntime } from "./pod-runtime.ts";
import type { PodServices } from "./pod-services.ts";
import { type PodStanding, PodStatusPublisher } from "./pod-status-publisher.ts";
import { isTerminalPhase } from "./status/pod-phase.ts";
import { stopPod } from "./stop-pod.ts";
import { syncPod } from "./sync-pod.ts";
import { removePodDirectory } from "./volumes/remove-volumes.ts";
import { Wakeup } from "./wakeup.ts";

/** What a worker does with its pod: run it, end it, or keep what is left of it until it is deleted. */
type WorkerState = "syncing" | "terminating" | "terminated" | "finished";

/**
 * Drives one pod through its life. It looks at the pod and the runtime as they are now, acts, and sleeps until something changes or is due;
 * so it goes on rightly after a restart, whatever happened meanwhile. One step at a time; a deletion interrupts a start.
 */
export class PodWorker {
  readonly #services: PodServices;
  readonly #logger: Logger;
  readonly #wakeup: Wakeup;
  readonly #publisher: PodStatusPublisher;
  readonly #stop = new AbortController();
  readonly #startErrors = new Map<string, ContainerStartError>();
  readonly #starting = new Set<string>();
  #pod: NodePod;
  #apiStatus: PodStatus | undefined;
  #state: WorkerState = "syncing";
  #isRemoved = false;
  #sync: AbortController | undefined;
  #passes = 0;
  #resyncedAt = 0;

  constructor(services: PodServices, pod: NodePod, apiStatus: PodStatus | undefined) {
    this.#services = services;
    this.#pod = pod;
    this.#apiStatus = apiStatus;
    this.#logger = services.logger.child({ pod: pod.name, namespace: pod.namespace, uid: pod.uid });
    this.#wakeup = new Wakeup(services.clock);
    const { signal } = this.#stop;
    this.#publisher = new PodStatusPublisher({ services, standing: () => this.#standing, signal });
  }

  get pod(): NodePod {
    return this.#pod;
  }

  get isFinished(): boolean {
    return this.#state === "finished";
  }

  /** Works until the pod is gone or the worker is closed. Never throws. Once per worker. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted && this.#state !== "finished";) {
      try {
        await this.#step();
        failures = 0;
      } catch (error) {
        if (!isAbort(error)) this.#logger.warn({ state: this.#state, error: messageOf(error) }, "pod not in sync yet");
        if (!isAbort(error)) this.#wakeup.at(this.#services.clock.now() + retryDelay(failures++));
      }
      if (!this.isFinished) await this.#wakeup.wait(signal);
    }
  }

  /** Takes up a newer version of the pod. */
  update(pod: NodePod, apiStatus: PodStatus | undefined): void {
    const before = this.#pod;
    this.#pod = pod;
    this.#apiStatus = apiStatus;
    if (isDeleted(pod)) this.#endSync();
    const isShorter = gracePeriodOf(pod) < gracePeriodOf(before);
    if (this.#state === "terminating" && isShorter) this.#endSooner();
    // Most updates are the echo of our own status: they ask for nothing.
    if (isDeleted(pod) !== isDeleted(before) || !isDeepStrictEqual(pod.spec, before.spec)) this.wake();
  }

  /**
   * The pod's object is gone before the pod has ended, as after a deletion by force: what is left of it in the runtime gets no more than
   * the least grace, and nobody is told.
   */
  remove(): void {
    if (this.#isRemoved) return;
    this.#isRemoved = true;
    this.#endSync();
    if (this.#state === "terminating") this.#endSooner();
    this.wake();
  }

  /** The runtime has changed: look at the pod. */
  wake(): void {
    if (this.#sync !== undefined) this.#publisher.publish();
    this.#wakeup.now();
  }

  /** Ends the worker and leaves the pod as it is. */
  close(): void {
    this.#stop.abort();
    this.#sync?.abort();
  }

  get #mustEnd(): boolean {
    return this.#isRemoved || isDeleted(this.#pod);
  }

  get #standing(): PodStanding {
    return {
      pod: this.#pod,
      apiStatus: this.#apiStatus,
      startErrors: this.#startErrors,
      starting: this.#starting,
      isEnding: this.#state !== "syncing" || this.#mustEnd,
      isRemoved: this.#isRemoved,
      isInPass: this.#sync !== undefined,
      passes: this.#passes,
    };
  }

  async #step(): Promise<void> {
    if (this.#state === "syncing" && this.#mustEnd) this.#state = "terminating";
    if (this.#state === "syncing") await this.#syncOnce();
    if (this.#state === "terminating") await this.#terminate();
    if (this.#state === "terminated" && this.#mustEnd) await this.#cleanUp();
  }

  async #syncOnce(): Promise<void> {
    const { clock } = this.#services;
    const status = await this.#publisher.publishNow();
    if (isTerminalPhase(status.phase)) {
      this.#state = "terminating";
      return;
    }
    this.#sync = new AbortController();
    this.#passes++;
    const signal = AbortSignal.any([this.#sync.signal, this.#stop.signal]);
    try {
      if (this.#mustEnd) return;
      const isResync = clock.now() - this.#resyncedAt >= RESYNC_MS;
      if (isResync) {
        this.#resyncedAt = clock.now();
        // Others may have written over it, as a controller does that has not heard of the node for a while.
        this.#services.statuses.reconcile(this.#pod.uid, this.#apiStatus);
      }
      const result = await syncPod(this.#services, {
        pod: this.#pod,
        refreshVolumes: isResync,
        startErrors: this.#startErrors,
        starting: this.#starting,
        onProgress: () => this.#publisher.publish(),
        signal,
      });
      const resyncAt = clock.now() + RESYNC_MS * (1 + Math.random() / 2);
      this.#wakeup.at(Math.min(result.retryAt ?? resyncAt, resyncAt, deadlineOf(this.#pod, status) ?? resyncAt));
    } finally {
      this.#sync = undefined;
      if (this.#mustEnd) this.#wakeup.now();
    }
  }

  async #terminate(): Promise<void> {
    const { runtime } = this.#services;
    const pod = this.#pod;
    await this.#publisher.publishNow();
    const graceSeconds = this.#isRemoved ? MIN_GRACE_SECONDS : undefined;
    await stopPod(this.#services, { pod, graceSeconds, runtime: await readPodRuntime(runtime, pod.uid) });
    const after = await readPodRuntime(runtime, pod.uid);
    const running = after.containers.filter(({ state }) => state === "CONTAINER_RUNNING");
    if (running.length > 0) throw new Error(`${running.length} containers still run`);
    await this.#publisher.publishNow();
    this.#state = "terminated";
  }

  /** Everything the pod had on the node goes before the API is told that it is gone. */
  async #cleanUp(): Promise<void> {
    const { runtime, directories, statuses, imageManager, crashBackoff } = this.#services;
    const pod = this.#pod;
    const { containers, sandboxes } = await readPodRuntime(runtime, pod.uid);
    await Promise.all(containers.map(({ id }) => runtime.removeContainer(id)));
    await Promise.all(sandboxes.map(({ id }) => runtime.removePodSandbox(id)));
    await removePodDirectory(directories.podDir(pod));
    await rm(directories.logDir(pod), { recursive: true, force: true });
    if (!this.#isRemoved && !isStaticPod(pod)) await this.#confirmDeletion(pod);
    statuses.forget(pod.uid);
    imageManager.forgetBackoff(pod.uid);
    crashBackoff.forget(`${pod.uid}_`);
    this.#state = "finished";
  }

  async #confirmDeletion({ uid, namespace, name }: NodePod): Promise<void> {
    const { statuses, client } = this.#services;
    await statuses.flush(uid);
    try {
      const options = { gracePeriodSeconds: 0, preconditions: { uid } };
      await client.delete(PODS, { namespace, name }, { options, signal: this.#stop.signal });
    } catch (error) {
      // Gone already, or its name belongs to another pod now.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }

  #endSync(): void {
    this.#sync?.abort(new DOMException("The pod is deleted", "AbortError"));
  }

  /** A shorter grace takes effect at once: the runtime is asked again, with less time. */
  #endSooner(): void {
    const { runtime } = this.#services;
    const graceSeconds = this.#isRemoved ? MIN_GRACE_SECONDS : Math.max(MIN_GRACE_SECONDS, gracePeriodOf(this.#pod));
    const stopping = readPodRuntime(runtime, this.#pod.uid).then(({ containers }) =>
      Promise.all(
        containers
          .filter(({ state }) => state === "CONTAINER_RUNNING")
          .map(({ id }) => runtime.stopContainer(id, graceSeconds)),
      ),
    );
    stopping.catch((error: unknown) => this.#logger.warn({ error: messageOf(error) }, "shorter grace not applied"));
  }
}

/** How often a pod is looked at though nothing has happened. */
const RESYNC_MS = 60_000;

/** Upstream waits ten seconds and a half more at random; the first try again comes sooner, since most faults are brief. */
function retryDelay(failures: number): number {
  return Math.min(10_000, 1000 * 2 ** failures) * (1 + Math.random() / 2);
}

function isDeleted({ object }: NodePod): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
