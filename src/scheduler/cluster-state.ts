import type { Node, Pod } from "../api/core-v1.gen.ts";
import { type HostPort, hostPortsOf } from "./host-ports.ts";
import { type ResourceAmounts, amountsOf, podRequests } from "./pod-requests.ts";

/** A node with what the pods on it use. */
export interface NodeState {
  readonly node: Node;
  readonly name: string;
  readonly allocatable: ResourceAmounts;
  readonly requested: ReadonlyMap<string, number>;
  readonly pods: ReadonlyMap<string, PlacedPod>;
}

/** A pod that takes room on a node. */
interface PlacedPod {
  readonly pod: Pod;
  readonly requests: ResourceAmounts;
  readonly hostPorts: readonly HostPort[];
}

/** All nodes with what is on them, pods just decided upon included. */
export class ClusterState {
  readonly #nodes = new Map<string, MutableNodeState>();
  /** Where each pod is, by UID. */
  readonly #places = new Map<string, string>();

  /** Returns the nodes there are. */
  nodes(): NodeState[] {
    return [...this.#nodes.values()].filter((state): state is MutableNodeState & NodeState => state.node !== undefined);
  }

  setNode(node: Node): void {
    const state = this.#stateOf(node.metadata?.name ?? "");
    state.node = node;
    state.allocatable = amountsOf(node.status?.allocatable ?? node.status?.capacity);
  }

  removeNode(name: string): void {
    const state = this.#nodes.get(name);
    if (state === undefined) return;
    state.node = undefined;
    if (state.pods.size === 0) this.#nodes.delete(name);
  }

  /** Whether a pod takes room somewhere. */
  has(uid: string): boolean {
    return this.#places.has(uid);
  }

  /** Puts a pod on a node, or replaces what was known of it. */
  place(pod: Pod, nodeName: string): void {
    const uid = pod.metadata?.uid ?? "";
    this.remove(uid);
    const state = this.#stateOf(nodeName);
    const placed = { pod, requests: podRequests(pod), hostPorts: hostPortsOf(pod) };
    state.pods.set(uid, placed);
    this.#places.set(uid, nodeName);
    for (const [name, amount] of placed.requests) state.requested.set(name, (state.requested.get(name) ?? 0) + amount);
  }

  /** Takes a pod away from where it is, if it is anywhere; returns whether it was. */
  remove(uid: string): boolean {
    const nodeName = this.#places.get(uid);
    const state = nodeName === undefined ? undefined : this.#nodes.get(nodeName);
    const placed = state?.pods.get(uid);
    if (state === undefined || placed === undefined) return false;
    this.#places.delete(uid);
    state.pods.delete(uid);
    for (const [name, amount] of placed.requests) state.requested.set(name, (state.requested.get(name) ?? 0) - amount);
    if (state.node === undefined && state.pods.size === 0) this.#nodes.delete(state.name);
    return true;
  }

  #stateOf(name: string): MutableNodeState {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const made = { name, node: undefined, allocatable: new Map(), requested: new Map(), pods: new Map() };
    this.#nodes.set(name, made);
    return made;
  }
}

interface MutableNodeState {
  readonly name: string;
  /** Absent where pods are known before their node, or after it. */
  node: Node | undefined;
  allocatable: ResourceAmounts;
  readonly requested: Map<string, number>;
  readonly pods: Map<string, PlacedPod>;
}
