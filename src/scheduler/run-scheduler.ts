import { isDeepStrictEqual } from "node:util";
import type { Node, Pod } from "../api/core-v1.gen.ts";
import { NODES, PODS, apiPath } from "../api/resource-types.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { type EventRecorder, createEventRecorder, objectReferenceOf } from "../client/event-recorder.ts";
import type { InformerFactory } from "../client/informer-factory.ts";
import type { Informer } from "../client/informer.ts";
import { keyOf, objectKeyOf, parseKey } from "../client/lister.ts";
import type { RestClient } from "../client/rest-client.ts";
import { isConflict, isNotFound } from "../client/status-answer.ts";
import { timestamp } from "../client/timestamp.ts";
import { ClusterState } from "./cluster-state.ts";
import { filterNodes, unschedulableMessage } from "./filter-nodes.ts";
import { mayGiveRoom } from "./node-change.ts";
import { isFinished, isPending } from "./pod-phase.ts";
import { SchedulingQueue } from "./scheduling-queue.ts";
import { bestNode } from "./score-nodes.ts";

/** What a scheduler needs. The informers may be shared with others; somebody else runs them. */
export interface SchedulerOptions {
  readonly client: RestClient;
  readonly informers: InformerFactory;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** Gives each pending pod of `default-scheduler` a node that can take it, until `signal` aborts. Never throws. */
export async function runScheduler(options: SchedulerOptions): Promise<void> {
  await using recorder = createEventRecorder({ ...options, component: "default-scheduler" });
  await new Scheduler(options, recorder).run();
}

class Scheduler {
  readonly #client: RestClient;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #recorder: EventRecorder;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #signal: AbortSignal;
  readonly #state = new ClusterState();
  readonly #queue: SchedulingQueue;

  constructor(options: SchedulerOptions, recorder: EventRecorder) {
    this.#client = options.client;
    this.#pods = options.informers.informer(PODS);
    this.#nodes = options.informers.informer(NODES);
    this.#recorder = recorder;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#signal = options.signal;
    this.#queue = new SchedulingQueue({
      clock: this.#clock,
      onError: (pod, error) => {
        this.#logger.warn({ pod, error: messageOf(error) }, "pod not scheduled");
      },
    });
  }

  async run(): Promise<void> {
    const unsubscribe = [this.#followNodes(), this.#followPods()];
    const work = async (key: string): Promise<void> => {
      await this.#schedule(key);
    };
    // Deciding before all nodes and pods are known would put pods where there is no room.
    await Promise.race([Promise.all([this.#pods.synced, this.#nodes.synced]), ended(this.#signal)]);
    await this.#queue.run(work, this.#signal);
    for (const each of unsubscribe) each();
  }

  #followNodes(): () => void {
    return this.#nodes.subscribe({
      onAdd: (node) => {
        this.#state.setNode(node);
        this.#queue.wake();
      },
      onUpdate: (old, node) => {
        this.#state.setNode(node);
        if (mayGiveRoom(old, node)) this.#queue.wake();
      },
      onDelete: (node) => {
        this.#state.removeNode(node.metadata?.name ?? "");
      },
    });
  }

  #followPods(): () => void {
    const seen = (pod: Pod): void => {
      const key = keyOf(objectKeyOf(pod));
      if (isPending(pod)) {
        this.#queue.add(key);
        return;
      }
      this.#queue.forget(key);
      if (!isFinished(pod)) this.#state.place(pod, pod.spec?.nodeName ?? "");
      else if (this.#state.remove(pod.metadata?.uid ?? "")) this.#queue.wake();
    };
    return this.#pods.subscribe({
      onAdd: seen,
      onUpdate: (old, pod) => {
        // Its own status, which a failed try writes, is no reason to try a pod again.
        if (!isPending(old) || !isPending(pod) || !isDeepStrictEqual(old.spec, pod.spec)) seen(pod);
      },
      onDelete: (pod) => {
        this.#queue.forget(keyOf(objectKeyOf(pod)));
        if (this.#state.remove(pod.metadata?.uid ?? "")) this.#queue.wake();
      },
    });
  }

  async #schedule(key: string): Promise<void> {
    const pod = this.#pods.lister.get(parseKey(key));
    // A pod that has its place is being bound, or is bound and the watch has yet to tell.
    if (pod === undefined || !isPending(pod) || this.#state.has(pod.metadata?.uid ?? "")) return;
    const nodes = this.#state.nodes();
    const { feasible, reasons } = filterNodes(pod, nodes);
    const node = bestNode(pod, feasible);
    if (node === undefined) await this.#fitsNowhere(key, pod, unschedulableMessage(nodes.length, reasons));
    else await this.#bind(key, pod, node.name);
  }

  async #bind(key: string, pod: Pod, nodeName: string): Promise<void> {
    const decidedAt = this.#clock.now();
    // From here on the room is taken, so that the next decision need not wait for this one to be stored.
    this.#state.place(pod, nodeName);
    try {
      await this.#client.raw(
        "POST",
        apiPath(PODS, { ...objectKeyOf(pod), subresource: "binding" }),
        bindingOf(pod, nodeName),
      );
    } catch (error) {
      if (!this.#isBound(pod)) this.#state.remove(pod.metadata?.uid ?? "");
      // It is gone, or has a node: the informer tells which.
      if (isNotFound(error) || isConflict(error)) return;
      throw error;
    }
    const { namespace, name } = objectKeyOf(pod);
    const message = `Successfully assigned ${namespace ?? ""}/${name} to ${nodeName}`;
    this.#recorder.record(objectReferenceOf(PODS, pod), {
      type: "Normal",
      reason: "Scheduled",
      message,
      at: decidedAt,
    });
    this.#queue.forget(key);
  }

  #isBound(pod: Pod): boolean {
    const known = this.#pods.lister.get(objectKeyOf(pod));
    return known?.metadata?.uid === pod.metadata?.uid && (known?.spec?.nodeName ?? "") !== "";
  }

  async #fitsNowhere(key: string, pod: Pod, message: string): Promise<void> {
    this.#queue.park(key);
    const facts = { type: "Warning", reason: "FailedScheduling", message } as const;
    this.#recorder.record(objectReferenceOf(PODS, pod), facts);
    const before = pod.status?.conditions?.find((condition) => condition.type === "PodScheduled");
    if (before?.status === "False" && before.message === message) return;
    const now = timestamp(this.#clock.now());
    const lastTransitionTime = before?.status === "False" ? before.lastTransitionTime : now;
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message, lastTransitionTime };
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } };
    try {
      await this.#client.patch(PODS, objectKeyOf(pod), patch, { kind: "strategic", subresource: "status" });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}

function bindingOf(pod: Pod, nodeName: string): object {
  const { namespace, name, uid } = pod.metadata ?? {};
  return {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { namespace, name, uid },
    target: { apiVersion: "v1", kind: "Node", name: nodeName },
  };
}

async function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve, { once: true });
  });
}
