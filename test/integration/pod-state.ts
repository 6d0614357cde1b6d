import { setTimeout as delay } from "node:timers/promises";

import type { ContainerStatus, Event, Pod } from "../../src/api/core-v1.gen.ts";
import type { ListOf } from "../../src/api/kubernetes-object.ts";
import type { Kubectl } from "../../src/testing/kubectl.ts";

/** Which pod, and how long to wait for it. */
export interface PodQuery {
  readonly namespace?: string;
  /** As kubectl has it: `30s`, the default. */
  readonly timeout?: string;
}

/** Waits with `kubectl wait` until the pod is in the phase, and returns the pod. */
export async function waitForPhase(kubectl: Kubectl, name: string, phase: string, query: PodQuery = {}): Promise<Pod> {
  return await waitForField(kubectl, name, `{.status.phase}=${phase}`, query);
}

/** Waits until the pod's first container waits for this reason, and returns the pod. */
export async function waitForReason(
  kubectl: Kubectl,
  name: string,
  reason: string,
  query: PodQuery = {},
): Promise<Pod> {
  return await waitForField(kubectl, name, `{.status.containerStatuses[0].state.waiting.reason}=${reason}`, query);
}

/** Waits until a JSONPath of the pod has a value (`{.path}=value`), and returns the pod. Failing, it says how the pod is. */
export async function waitForField(kubectl: Kubectl, name: string, field: string, query: PodQuery = {}): Promise<Pod> {
  const scope = ["-n", query.namespace ?? "default"];
  const timeout = `--timeout=${query.timeout ?? "30s"}`;
  const result = await kubectl.run(["wait", `pod/${name}`, ...scope, `--for=jsonpath=${field}`, timeout], {
    timeoutMs: 200_000,
  });
  if (result.exitCode !== 0) {
    const { stdout } = await kubectl.run(["describe", "pod", name, ...scope]);
    throw new Error(`pod "${name}" never had ${field}: ${result.stderr}\n${stdout}`);
  }
  return await podOf(kubectl, name, query.namespace);
}

/** Returns the pod as it is now. */
export async function podOf(kubectl: Kubectl, name: string, namespace = "default"): Promise<Pod> {
  return await kubectl.json<Pod>(["get", "pod", name, "-n", namespace]);
}

/** Returns the status of the pod's first container. Throws an `Error` where it has none yet. */
export function mainStatus(pod: Pod): ContainerStatus {
  const status = pod.status?.containerStatuses?.[0];
  if (status === undefined) throw new Error(`pod "${pod.metadata?.name}" has no container status`);
  return status;
}

/** Returns the pod's events, oldest first. */
export async function eventsOf(kubectl: Kubectl, name: string, namespace = "default"): Promise<Event[]> {
  const selector = `--field-selector=involvedObject.name=${name}`;
  const list = await kubectl.json<ListOf<Event>>(["get", "events", "-n", namespace, selector]);
  return list.items.toSorted((a, b) => (a.firstTimestamp ?? "").localeCompare(b.firstTimestamp ?? ""));
}

/**
 * Returns the messages of the pod's events that have this reason, of which there must be one. Events travel beside the status, so the
 * first may arrive a moment after the state that it tells of.
 */
export async function messagesOf(kubectl: Kubectl, name: string, reason: string): Promise<string[]> {
  for (const giveUpAt = Date.now() + 5000; ; await delay(100)) {
    const events = (await eventsOf(kubectl, name)).filter((event) => event.reason === reason);
    if (events.length > 0 || Date.now() > giveUpAt) return events.map((event) => event.message ?? "");
  }
}
