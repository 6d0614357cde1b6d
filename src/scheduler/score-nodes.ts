import type { Pod } from "../api/core-v1.gen.ts";
import type { NodeState } from "./cluster-state.ts";
import { preferredAffinityWeight } from "./node-affinity.ts";
import { type ResourceAmounts, podRequests } from "./pod-requests.ts";
import { effectiveTaints, tolerates } from "./tolerations.ts";

/**
 * Returns the best of nodes that can take a pod: preferred by its affinity, without soft taints, holding its images, with few pods
 * of the same controller and much room. Weights are those of Kubernetes' default profile; of equal nodes one by chance.
 */
export function bestNode(pod: Pod, feasible: readonly NodeState[]): NodeState | undefined {
  if (feasible.length <= 1) return feasible[0];
  const totals = new Map(feasible.map((node) => [node, 0]));
  for (const { weight, score } of SCORERS) {
    const raw = feasible.map((node) => [node, score(pod, node, feasible)] as const);
    const most = Math.max(...raw.map(([, value]) => value), 0);
    for (const [node, value] of raw)
      totals.set(node, (totals.get(node) ?? 0) + (most > 0 ? (weight * value) / most : 0));
  }
  const best = Math.max(...totals.values());
  const equals = feasible.filter((node) => totals.get(node) === best);
  return equals[Math.floor(Math.random() * equals.length)];
}

/** Returns a value not below zero, higher for a better node; scaled to the best before it is weighed. */
type Score = (pod: Pod, node: NodeState, all: readonly NodeState[]) => number;

const SCORERS: readonly { readonly weight: number; readonly score: Score }[] = [
  { weight: 3, score: softTaints },
  { weight: 2, score: (pod, { node }) => preferredAffinityWeight(pod, node) },
  { weight: 2, score: spreading },
  { weight: 1, score: leastAllocated },
  { weight: 1, score: imageBytes },
];

function softTaints(pod: Pod, { node }: NodeState, all: readonly NodeState[]): number {
  const most = Math.max(...all.map((other) => untolerated(pod, other)));
  return most - untolerated(pod, { node });
}

function untolerated(pod: Pod, { node }: Pick<NodeState, "node">): number {
  const soft = effectiveTaints(node).filter((taint) => taint.effect === "PreferNoSchedule");
  return soft.filter((taint) => !tolerates(pod, taint)).length;
}

function spreading(pod: Pod, node: NodeState, all: readonly NodeState[]): number {
  const most = Math.max(...all.map((other) => siblings(pod, other)));
  return most - siblings(pod, node);
}

function siblings(pod: Pod, { pods }: NodeState): number {
  const owner = controllerUid(pod);
  if (owner === undefined) return 0;
  return [...pods.values()].filter((placed) => controllerUid(placed.pod) === owner).length;
}

function controllerUid(pod: Pod): string | undefined {
  return pod.metadata?.ownerReferences?.find((reference) => reference.controller === true)?.uid;
}

/** What a container that asks for nothing is taken to use, so that such pods spread too. */
const DEFAULTS: ResourceAmounts = new Map([
  ["cpu", 100],
  ["memory", 200 * 1024 * 1024],
]);

function leastAllocated(pod: Pod, { allocatable, pods }: NodeState): number {
  const all = [...pods.values()].map((placed) => placed.requests).concat([podRequests(pod)]);
  const free = [...DEFAULTS].map(([name, usual]) => {
    const total = allocatable.get(name) ?? 0;
    const used = all.reduce((sum, requests) => sum + (requests.get(name) ?? usual), 0);
    return total === 0 ? 0 : Math.max(0, (total - used) / total);
  });
  return free.reduce((sum, share) => sum + share, 0) / free.length;
}

function imageBytes(pod: Pod, { node }: NodeState): number {
  const wanted = new Set((pod.spec?.containers ?? []).map((container) => container.image));
  const present = (node.status?.images ?? []).filter((image) => image.names?.some((name) => wanted.has(name)));
  const bytes = present.reduce((sum, image) => sum + (image.sizeBytes ?? 0), 0);
  // Small images are pulled so fast that where they are does not matter.
  return bytes > 23 * 1024 * 1024 ? bytes : 0;
}
