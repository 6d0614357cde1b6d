import type { Pod } from "../api/core-v1.gen.ts";
import type { NodeState } from "./cluster-state.ts";
import { areInConflict, hostPortsOf } from "./host-ports.ts";
import { matchesRequiredAffinity } from "./node-affinity.ts";
import { podRequests } from "./pod-requests.ts";
import { effectiveTaints, tolerates } from "./tolerations.ts";

/** The nodes that can take a pod, and why the others cannot, counted by reason. */
export interface FilterResult {
  readonly feasible: readonly NodeState[];
  readonly reasons: ReadonlyMap<string, number>;
}

/** Returns which nodes can take a pod. Of a node the reasons of the first filter that fails count, as in Kubernetes. */
export function filterNodes(pod: Pod, nodes: readonly NodeState[]): FilterResult {
  const filters = filtersFor(pod);
  const feasible: NodeState[] = [];
  const reasons = new Map<string, number>();
  for (const node of nodes) {
    const against = firstReasons(filters, node);
    if (against.length === 0) feasible.push(node);
    for (const reason of against) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return { feasible, reasons };
}

/** Returns what `FailedScheduling` says. */
export function unschedulableMessage(nodeCount: number, reasons: ReadonlyMap<string, number>): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const texts = [...reasons].map(([reason, count]) => `${count} ${reason}`).toSorted();
  return `0/${nodeCount} nodes are available: ${texts.join(", ")}.`;
}

/** Returns the reasons against a node, none where it will do. */
type Filter = (node: NodeState) => readonly string[];

function filtersFor(pod: Pod): readonly Filter[] {
  return [isSchedulable(pod), hasName(pod), hasToleratedTaints(pod), hasAffinity(pod), hasPorts(pod), hasRoom(pod)];
}

function firstReasons(filters: readonly Filter[], node: NodeState): readonly string[] {
  for (const filter of filters) {
    const reasons = filter(node);
    if (reasons.length > 0) return reasons;
  }
  return [];
}

function isSchedulable(pod: Pod): Filter {
  const toleratesCordon = tolerates(pod, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" });
  return ({ node }) => (node.spec?.unschedulable === true && !toleratesCordon ? ["node(s) were unschedulable"] : []);
}

function hasName(pod: Pod): Filter {
  const wanted = pod.spec?.nodeName ?? "";
  return ({ name }) => (wanted === "" || wanted === name ? [] : ["node(s) didn't match the requested node name"]);
}

function hasToleratedTaints(pod: Pod): Filter {
  return ({ node }) => {
    const hard = effectiveTaints(node).filter((taint) => taint.effect !== "PreferNoSchedule");
    return hard.every((taint) => tolerates(pod, taint)) ? [] : ["node(s) had untolerated taint(s)"];
  };
}

function hasAffinity(pod: Pod): Filter {
  return ({ node }) =>
    matchesRequiredAffinity(pod, node) ? [] : ["node(s) didn't match Pod's node affinity/selector"];
}

function hasPorts(pod: Pod): Filter {
  const wanted = hostPortsOf(pod);
  return ({ pods }) => {
    if (wanted.length === 0) return [];
    const taken = [...pods.values()].flatMap((placed) => placed.hostPorts);
    const isFree = wanted.every((port) => !taken.some((other) => areInConflict(port, other)));
    return isFree ? [] : ["node(s) didn't have free ports for the requested pod ports"];
  };
}

function hasRoom(pod: Pod): Filter {
  const requests = [...podRequests(pod)].filter(([, amount]) => amount > 0);
  return ({ allocatable, requested, pods }) => {
    const isFull = pods.size + 1 > (allocatable.get("pods") ?? 0);
    const short = requests.filter(
      ([name, amount]) => (requested.get(name) ?? 0) + amount > (allocatable.get(name) ?? 0),
    );
    return [...(isFull ? ["Too many pods"] : []), ...short.map(([name]) => `Insufficient ${name}`)];
  };
}
