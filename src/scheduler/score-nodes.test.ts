import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node, Pod } from "../api/core-v1.gen.ts";
import { ClusterState } from "./cluster-state.ts";
import { bestNode } from "./score-nodes.ts";

test("of two nodes the one with more room is better", () => {
  const state = stateOf({});
  state.place(pod("x", { cpu: "2", memory: "4Gi" }), "a");
  assert.equal(best(state), "b");
});

test("pods that ask for nothing spread too", () => {
  const state = stateOf({});
  state.place(pod("x"), "a");
  assert.equal(best(state), "b");
});

test("pods of one controller spread", () => {
  const state = stateOf({ b: { status: { allocatable: { cpu: "2", memory: "4Gi", pods: "110" } } } });
  state.place({ ...pod("x"), metadata: { uid: "x", ownerReferences: [OWNER] } }, "a");
  const sibling = { ...pod("new"), metadata: { uid: "new", ownerReferences: [OWNER] } };
  assert.equal(best(state, sibling), "b");
});

test("a soft taint that is not tolerated counts against a node", () => {
  const taints = [{ key: "k", effect: "PreferNoSchedule" }];
  assert.equal(best(stateOf({ a: { spec: { taints } } })), "b");
});

test("a node that a pod prefers is better", () => {
  const affinity = {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 50, preference: { matchExpressions: [{ key: "disk", operator: "In", values: ["ssd"] }] } },
      ],
    },
  };
  const state = stateOf({ b: { metadata: { name: "b", labels: { disk: "ssd" } } } });
  assert.equal(best(state, { ...pod("new"), spec: { containers: [], affinity } }), "b");
});

test("a node that holds a large image of the pod is better, a small one decides nothing", () => {
  const images = (sizeBytes: number): Partial<Node> => ({
    status: { ...STATUS, images: [{ names: ["big:1"], sizeBytes }] },
  });
  const wanting = { ...pod("new"), spec: { containers: [{ name: "c", image: "big:1" }] } };
  for (let i = 0; i < 10; i++) assert.equal(best(stateOf({ b: images(500_000_000) }), wanting), "b");
  const chosen = new Set(Array.from({ length: 60 }, () => best(stateOf({ b: images(1000) }), wanting)));
  assert.deepEqual(chosen, new Set(["a", "b"]));
});

test("without a node there is no best", () => {
  assert.equal(bestNode(pod("new"), []), undefined);
});

const OWNER = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "r", controller: true };
const STATUS: Node["status"] = {
  allocatable: { cpu: "4", memory: "8Gi", pods: "110" },
  conditions: [{ type: "Ready", status: "True" }],
};

function stateOf(changes: Readonly<Record<string, Partial<Node>>>): ClusterState {
  const state = new ClusterState();
  for (const name of ["a", "b"]) {
    const node: Node = { metadata: { name }, ...changes[name] };
    state.setNode({ ...node, status: { ...STATUS, ...node.status } });
  }
  return state;
}

function pod(uid: string, requests?: Record<string, string>): Pod {
  return { metadata: { name: uid, uid }, spec: { containers: [{ name: "c", resources: { requests } }] } };
}

function best(state: ClusterState, of: Pod = pod("new")): string | undefined {
  return bestNode(of, state.nodes())?.name;
}
