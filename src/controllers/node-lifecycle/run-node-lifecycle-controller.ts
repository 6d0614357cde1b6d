import type { Node, Pod } from "../../api/core-v1.gen.ts";
import { LEASES, NODES, PODS } from "../../api/resource-types.ts";
import { type EventRecorder, createEventRecorder, objectReferenceOf } from "../../client/event-recorder.ts";
import { ignoringStaleness } from "../../client/ignoring-staleness.ts";
import { NODE_LEASE_NAMESPACE } from "../../client/lease.ts";
import { objectKeyOf } from "../../client/lister.ts";
import { timestamp } from "../../client/timestamp.ts";
import { type ControllerContext, controllerQueue, runQueue } from "../controller.ts";
import { readyCondition, unknownConditions } from "./node-conditions.ts";
import { NodeHealth } from "./node-health.ts";
import { correctedTaints } from "./node-taints.ts";

/**
 * Says of a node whose kubelet has been silent for 40 seconds that its state is unknown, and of its pods that they are not ready; keeps
 * the taints that follow from a node's conditions.
 */
export async function runNodeLifecycleController(context: ControllerContext): Promise<void> {
  await using recorder = createEventRecorder({ ...context, component: "node-controller" });
  const { informers } = context;
  const nodes = informers.informer(NODES);
  const leases = informers.informer(LEASES, { namespace: NODE_LEASE_NAMESPACE });
  const pods = informers.informer(PODS);
  const queue = controllerQueue(context, "node-lifecycle");
  const health = new NodeHealth(context.clock);
  const addNode = (name: string | undefined): void => {
    if (name !== undefined && name !== "") queue.add(name);
  };
  nodes.subscribe({
    onAdd: (node) => {
      addNode(node.metadata?.name);
    },
    onUpdate: (_old, node) => {
      addNode(node.metadata?.name);
    },
    onDelete: (node) => {
      health.forget(node.metadata?.name ?? "");
    },
  });
  leases.subscribe({
    onAdd: (lease) => {
      addNode(lease.metadata?.name);
    },
    onUpdate: (_old, lease) => {
      addNode(lease.metadata?.name);
    },
  });
  pods.subscribe({
    onUpdate: (_old, pod) => {
      if (isReady(pod)) addNode(pod.spec?.nodeName);
    },
  });
  const work = async (name: string): Promise<void> => {
    const node = nodes.lister.get({ name });
    if (node === undefined) return;
    const believedMs = health.observe(node, leases.lister.get({ namespace: NODE_LEASE_NAMESPACE, name }));
    if (believedMs > 0) queue.addAfter(name, believedMs + 1);
    else await tellUnknown(context, recorder, node);
    await correctTaints(context, node);
    if (readyCondition(node)?.status === "Unknown") await tellPodsNotReady(context, podsOn(name));
  };
  const podsOn = (name: string): readonly Pod[] => pods.lister.list().filter((pod) => pod.spec?.nodeName === name);
  await runQueue(context, queue, { synced: [nodes.synced, leases.synced, pods.synced], work });
}

async function tellUnknown(context: ControllerContext, recorder: EventRecorder, node: Node): Promise<void> {
  const conditions = unknownConditions(node, timestamp(context.clock.now()));
  if (conditions.length === 0) return;
  const wasReady = readyCondition(node)?.status === "True";
  const options = { kind: "strategic", subresource: "status", signal: context.signal } as const;
  await ignoringStaleness(context.client.patch(NODES, objectKeyOf(node), { status: { conditions } }, options));
  if (!wasReady) return;
  const message = `Node ${node.metadata?.name ?? ""} status is now: NodeNotReady`;
  recorder.record(objectReferenceOf(NODES, node), { type: "Normal", reason: "NodeNotReady", message });
}

async function correctTaints(context: ControllerContext, node: Node): Promise<void> {
  const taints = correctedTaints(node, timestamp(context.clock.now()));
  if (taints === undefined) return;
  // The whole list goes, so it must be the list that was read.
  const patch = { metadata: { resourceVersion: node.metadata?.resourceVersion }, spec: { taints } };
  const options = { kind: "merge", signal: context.signal } as const;
  await ignoringStaleness(context.client.patch(NODES, objectKeyOf(node), patch, options));
}

async function tellPodsNotReady(context: ControllerContext, pods: readonly Pod[]): Promise<void> {
  const lastTransitionTime = timestamp(context.clock.now());
  const patches = pods.filter(isReady).map((pod) => {
    const condition = { type: "Ready", status: "False", lastTransitionTime };
    const patch = { metadata: { uid: pod.metadata?.uid }, status: { conditions: [condition] } };
    const options = { kind: "strategic", subresource: "status", signal: context.signal } as const;
    return ignoringStaleness(context.client.patch(PODS, objectKeyOf(pod), patch, options));
  });
  await Promise.all(patches);
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}
