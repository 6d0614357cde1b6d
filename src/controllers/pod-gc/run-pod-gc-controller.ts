import type { Pod } from "../../api/core-v1.gen.ts";
import { NODES, PODS } from "../../api/resource-types.ts";
import { messageOf } from "../../base/coded-error.ts";
import { ignoringStaleness } from "../../client/ignoring-staleness.ts";
import { objectKeyOf } from "../../client/lister.ts";
import { isNotFound } from "../../client/status-answer.ts";
import { timestamp } from "../../client/timestamp.ts";
import { type ControllerContext, settledOrAborted } from "../controller.ts";

/** Ended pods that may stay; beyond it the oldest go. */
const TERMINATED_THRESHOLD = 12_500;
const INTERVAL_MS = 20_000;
/** For how long a node must have been missing: it may be on its way to register again. */
const QUARANTINE_MS = 40_000;

/**
 * Removes pods that no kubelet will: on nodes that are gone, deleted before they had a node, and the oldest of very many that have
 * ended.
 */
export async function runPodGcController(context: ControllerContext): Promise<void> {
  const { informers, clock, signal } = context;
  const nodes = informers.informer(NODES);
  const pods = informers.informer(PODS);
  await settledOrAborted([nodes.synced, pods.synced], signal);
  const missing = new MissingNodes(context);
  while (!signal.aborted) {
    try {
      const all = pods.lister.list();
      const gone = await missing.observe(new Set(all.flatMap(({ spec }) => (spec?.nodeName ? [spec.nodeName] : []))));
      for (const pod of all.filter((each) => gone.has(each.spec?.nodeName ?? ""))) await removeOrphan(context, pod);
      for (const pod of [...unscheduledTerminating(all), ...surplusTerminated(all)]) await remove(context, pod);
    } catch (error) {
      context.logger.warn({ controller: "pod-gc", error: messageOf(error) }, "sync failed");
    }
    await clock.sleep(INTERVAL_MS, signal).catch(() => undefined);
  }
}

/** Nodes that pods name but that are not there. */
class MissingNodes {
  readonly #context: ControllerContext;
  /** Since when, on the monotonic clock. */
  readonly #since = new Map<string, number>();

  constructor(context: ControllerContext) {
    this.#context = context;
  }

  /** Returns those of the named nodes that have been missing for long, and that the API server does not know now either. */
  async observe(named: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const { informers, clock } = this.#context;
    const nodes = informers.informer(NODES).lister;
    const absent = [...named].filter((name) => nodes.get({ name }) === undefined);
    for (const name of this.#since.keys()) if (!absent.includes(name)) this.#since.delete(name);
    const now = clock.monotonic();
    for (const name of absent) if (!this.#since.has(name)) this.#since.set(name, now);
    const long = absent.filter((name) => now - (this.#since.get(name) ?? now) >= QUARANTINE_MS);
    const gone = await Promise.all(long.map(async (name) => ((await this.#exists(name)) ? [] : [name])));
    return new Set(gone.flat());
  }

  async #exists(name: string): Promise<boolean> {
    try {
      await this.#context.client.get(NODES, { name }, { signal: this.#context.signal });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}

function unscheduledTerminating(pods: readonly Pod[]): readonly Pod[] {
  return pods.filter((pod) => pod.metadata?.deletionTimestamp !== undefined && (pod.spec?.nodeName ?? "") === "");
}

function surplusTerminated(pods: readonly Pod[]): readonly Pod[] {
  const terminated = pods.filter(isTerminated);
  const surplus = terminated.length - TERMINATED_THRESHOLD;
  if (surplus <= 0) return [];
  const created = (pod: Pod): string => pod.metadata?.creationTimestamp ?? "";
  return terminated.toSorted((a, b) => (created(a) < created(b) ? -1 : 1)).slice(0, surplus);
}

function isTerminated(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

async function removeOrphan(context: ControllerContext, pod: Pod): Promise<void> {
  if (!isTerminated(pod)) {
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByPodGC",
      message: "PodGC: node no longer exists",
      lastTransitionTime: timestamp(context.clock.now()),
    };
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { phase: "Failed", conditions: [condition] } };
    const options = { kind: "strategic", subresource: "status", signal: context.signal } as const;
    await ignoringStaleness(context.client.patch(PODS, objectKeyOf(pod), patch, options));
  }
  await remove(context, pod);
}

async function remove(context: ControllerContext, pod: Pod): Promise<void> {
  const { uid } = pod.metadata ?? {};
  const options = { gracePeriodSeconds: 0, ...(uid !== undefined && { preconditions: { uid } }) };
  context.logger.info({ controller: "pod-gc", pod: objectKeyOf(pod) }, "removing pod");
  await ignoringStaleness(context.client.delete(PODS, objectKeyOf(pod), { options, signal: context.signal }));
}
