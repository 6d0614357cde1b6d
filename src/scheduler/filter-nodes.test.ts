import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Node, Pod, PodSpec, Taint } from "../api/core-v1.gen.ts";
import { ClusterState } from "./cluster-state.ts";
import { filterNodes, unschedulableMessage } from "./filter-nodes.ts";

test("a pod fits a ready node with room", () => {
  assert.equal(messageFor(podOf({}), [nodeOf("a")]), "fits a");
});

test("without nodes the message says so", () => {
  assert.equal(messageFor(podOf({}), []), "no nodes available to schedule pods");
});

test("each reason is counted over all nodes, in the order of its text", () => {
  const nodes = [
    nodeOf("a", { allocatable: { cpu: "100m", memory: "1Mi", pods: "10" } }),
    nodeOf("b", { allocatable: { cpu: "4", memory: "1Mi", pods: "10" } }),
    nodeOf("c", { unschedulable: true }),
  ];
  assert.equal(
    messageFor(podOf({ containers: [asking({ cpu: "1", memory: "1Gi" })] }), nodes),
    "0/3 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable, 2 Insufficient memory.",
  );
});

test("what pods on a node ask for is not there for another, until they go", () => {
  const state = new ClusterState();
  state.setNode(nodeOf("a", { allocatable: { cpu: "1", memory: "1Gi", pods: "10" } }));
  const half = podOf({ containers: [asking({ cpu: "600m" })] }, "first");
  state.place(half, "a");
  const other = podOf({ containers: [asking({ cpu: "500m" })] });
  assert.equal(verdict(other, state), "0/1 nodes are available: 1 Insufficient cpu.");
  assert.equal(state.remove("first"), true);
  assert.equal(verdict(other, state), "fits a");
});

test("a pod placed again replaces itself", () => {
  const state = new ClusterState();
  state.setNode(nodeOf("a", { allocatable: { cpu: "1", pods: "10" } }));
  for (let i = 0; i < 3; i++) state.place(podOf({ containers: [asking({ cpu: "400m" })] }, "same"), "a");
  assert.equal(verdict(podOf({ containers: [asking({ cpu: "600m" })] }), state), "fits a");
});

test("an init container counts where it asks for more than all others together, a sidecar beside them", () => {
  const state = new ClusterState();
  state.setNode(nodeOf("a", { allocatable: { cpu: "1", pods: "10" } }));
  const containers = [asking({ cpu: "400m" }), asking({ cpu: "400m" })];
  const sidecar = { ...asking({ cpu: "300m" }), restartPolicy: "Always" };
  assert.equal(verdict(podOf({ containers, initContainers: [asking({ cpu: "1" })] }), state), "fits a");
  assert.match(verdict(podOf({ containers, initContainers: [asking({ cpu: "1001m" })] }), state), /Insufficient cpu/);
  assert.match(verdict(podOf({ containers, initContainers: [sidecar] }), state), /Insufficient cpu/);
  assert.match(verdict(podOf({ containers: [], initContainers: [sidecar, asking({ cpu: "800m" })] }), state), /cpu/);
  assert.match(verdict(podOf({ containers, overhead: { cpu: "300m" } }), state), /Insufficient cpu/);
});

test("a node takes no more pods than it says, whatever they ask for", () => {
  const state = new ClusterState();
  state.setNode(nodeOf("a", { allocatable: { pods: "1" } }));
  state.place(podOf({}, "first"), "a");
  assert.equal(verdict(podOf({}), state), "0/1 nodes are available: 1 Too many pods.");
});

test("an extended resource that a node lacks is named", () => {
  const pod = podOf({ containers: [asking({ "example.com/gpu": "1" })] });
  assert.equal(messageFor(pod, [nodeOf("a")]), "0/1 nodes are available: 1 Insufficient example.com/gpu.");
});

const NO_SCHEDULE: Taint = { key: "k", value: "v", effect: "NoSchedule" };

for (const [toleration, fits] of [
  [{}, false],
  [{ operator: "Exists" }, true],
  [{ key: "k", operator: "Exists" }, true],
  [{ key: "k", value: "v" }, true],
  [{ key: "k", operator: "Equal", value: "w" }, false],
  [{ key: "k", operator: "Exists", effect: "NoExecute" }, false],
  [{ key: "other", operator: "Exists" }, false],
] as const) {
  test(`a pod with toleration ${JSON.stringify(toleration)} ${fits ? "fits" : "does not fit"} a node with taint k=v:NoSchedule`, () => {
    const expected = fits ? "fits a" : "0/1 nodes are available: 1 node(s) had untolerated taint(s).";
    assert.equal(messageFor(podOf({ tolerations: [toleration] }), [nodeOf("a", { taints: [NO_SCHEDULE] })]), expected);
  });
}

test("a soft taint keeps no pod away", () => {
  const soft = { ...NO_SCHEDULE, effect: "PreferNoSchedule" };
  assert.equal(messageFor(podOf({}), [nodeOf("a", { taints: [soft] })]), "fits a");
});

test("a node that is not ready takes no pod, though no controller has tainted it yet", () => {
  const message = "0/1 nodes are available: 1 node(s) had untolerated taint(s).";
  for (const ready of ["False", "Unknown", undefined])
    assert.equal(messageFor(podOf({}), [nodeOf("a", { ready })]), message);
  const tolerations = [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }];
  assert.equal(messageFor(podOf({ tolerations }), [nodeOf("a", { ready: "False" })]), "fits a");
});

test("a node selector and each operator of node affinity decide by the node's labels", () => {
  const node = nodeOf("a", { labels: { disk: "ssd", cores: "8" } });
  const fits = (spec: Partial<PodSpec>): boolean => messageFor(podOf(spec), [node]) === "fits a";
  const affinity = (key: string, operator: string, values?: string[]): Partial<PodSpec> => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator, values }] }],
        },
      },
    },
  });
  const results = [
    fits({ nodeSelector: { disk: "ssd" } }),
    fits(affinity("disk", "In", ["hdd", "ssd"])),
    fits(affinity("disk", "NotIn", ["hdd"])),
    fits(affinity("none", "NotIn", ["hdd"])),
    fits(affinity("disk", "Exists")),
    fits(affinity("none", "DoesNotExist")),
    fits(affinity("cores", "Gt", ["7"])),
    fits(affinity("cores", "Lt", ["9"])),
  ];
  assert.deepEqual(results, Array(8).fill(true));
  const failures = [
    fits({ nodeSelector: { disk: "hdd" } }),
    fits(affinity("disk", "In", ["hdd"])),
    fits(affinity("disk", "NotIn", ["ssd"])),
    fits(affinity("none", "Exists")),
    fits(affinity("disk", "DoesNotExist")),
    fits(affinity("cores", "Gt", ["8"])),
    fits(affinity("disk", "Gt", ["1"])),
    fits(affinity("disk", "Unheard")),
  ];
  assert.deepEqual(failures, Array(8).fill(false));
});

test("an affinity term matches a node by its name, and an empty one matches nothing", () => {
  const named = (name: string) => ({ matchFields: [{ key: "metadata.name", operator: "In", values: [name] }] });
  const required = (term: object): Partial<PodSpec> => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } } },
  });
  assert.equal(messageFor(podOf(required(named("b"))), [nodeOf("a"), nodeOf("b")]), "fits b");
  const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
  assert.equal(messageFor(podOf(required({})), [nodeOf("a")]), message);
});

test("a port of the host is taken once for each protocol and address", () => {
  const port = (hostPort: number, protocol?: string, hostIP?: string): Partial<PodSpec> => ({
    containers: [{ name: "c", ports: [{ containerPort: 80, hostPort, protocol, hostIP }] }],
  });
  const state = new ClusterState();
  state.setNode(nodeOf("a"));
  state.place(podOf(port(80, "TCP", "10.0.0.1"), "first"), "a");
  const taken = "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
  assert.equal(verdict(podOf(port(80)), state), taken);
  assert.equal(verdict(podOf(port(80, "TCP", "10.0.0.1")), state), taken);
  assert.equal(verdict(podOf(port(80, "TCP", "10.0.0.2")), state), "fits a");
  assert.equal(verdict(podOf(port(80, "UDP")), state), "fits a");
  assert.equal(verdict(podOf(port(81)), state), "fits a");
});

test("pods known before their node, or after it, keep their place without making it a choice", () => {
  const state = new ClusterState();
  state.place(podOf({ containers: [asking({ cpu: "1" })] }, "early"), "a");
  assert.deepEqual(state.nodes(), []);
  state.setNode(nodeOf("a", { allocatable: { cpu: "1", pods: "10" } }));
  assert.match(verdict(podOf({ containers: [asking({ cpu: "1" })] }), state), /Insufficient cpu/);
  state.removeNode("a");
  assert.equal(verdict(podOf({}), state), "no nodes available to schedule pods");
});

interface NodeFacts {
  readonly allocatable?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly taints?: Taint[];
  readonly unschedulable?: boolean;
  readonly ready?: string | undefined;
}

function nodeOf(name: string, facts: NodeFacts = {}): Node {
  const ready = "ready" in facts ? facts.ready : "True";
  return {
    metadata: { name, labels: facts.labels },
    spec: { taints: facts.taints, unschedulable: facts.unschedulable },
    status: {
      allocatable: facts.allocatable ?? { cpu: "4", memory: "8Gi", pods: "110" },
      conditions: ready === undefined ? [] : [{ type: "Ready", status: ready }],
    },
  };
}

function podOf(spec: Partial<PodSpec>, uid = "new"): Pod {
  return { metadata: { name: uid, namespace: "ns", uid }, spec: { containers: [], ...spec } };
}

function asking(requests: Record<string, string>): Container {
  return { name: "c", resources: { requests } };
}

function messageFor(pod: Pod, nodes: readonly Node[]): string {
  const state = new ClusterState();
  for (const node of nodes) state.setNode(node);
  return verdict(pod, state);
}

function verdict(pod: Pod, state: ClusterState): string {
  const nodes = state.nodes();
  const { feasible, reasons } = filterNodes(pod, nodes);
  if (feasible.length > 0) return `fits ${feasible.map((node) => node.name).join(", ")}`;
  return unschedulableMessage(nodes.length, reasons);
}
