import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lease } from "../../api/coordination-v1.gen.ts";
import type { Node, NodeCondition, Taint } from "../../api/core-v1.gen.ts";
import type { Clock } from "../../base/clock.ts";
import { unknownConditions } from "./node-conditions.ts";
import { NodeHealth } from "./node-health.ts";
import { correctedTaints } from "./node-taints.ts";

const NOW = "2026-01-01T00:00:00Z";
const READY: NodeCondition = { type: "Ready", status: "True", lastHeartbeatTime: "t0", reason: "KubeletReady" };

test("a node is believed for 40 seconds after each renewal of its lease, whatever the times in it say", () => {
  const { health, advance } = healthAt();
  const node = nodeWith([READY]);
  assert.equal(health.observe(node, lease("2020-01-01T00:00:00Z")), 40_000);
  advance(30_000);
  assert.equal(health.observe(node, lease("2020-01-01T00:00:00Z")), 10_000);
  assert.equal(health.observe(node, lease("2020-01-01T00:00:10Z")), 40_000);
  advance(41_000);
  assert.equal(health.observe(node, lease("2020-01-01T00:00:10Z")), -1_000);
});

test("a heartbeat in the status is a sign of life, what the controller writes there is none", () => {
  const { health, advance } = healthAt();
  health.observe(nodeWith([READY]), undefined);
  advance(39_000);
  assert.equal(health.observe(nodeWith([{ ...READY, lastHeartbeatTime: "t1" }]), undefined), 40_000);
  advance(50_000);
  const unknown = { ...READY, lastHeartbeatTime: "t1", status: "Unknown", reason: "NodeStatusUnknown" };
  assert.equal(health.observe(nodeWith([unknown]), undefined), -10_000);
});

test("a node that has never reported has 60 seconds, and what the controller then says of it is no sign of life", () => {
  const { health, advance } = healthAt();
  assert.equal(health.observe(nodeWith([]), undefined), 60_000);
  advance(61_000);
  const conditions = [...unknownConditions(nodeWith([]), NOW)];
  assert.equal(health.observe(nodeWith(conditions), undefined), -1_000);
});

test("a node made anew under its name starts anew", () => {
  const { health, advance } = healthAt();
  health.observe(nodeWith([READY]), undefined);
  advance(100_000);
  assert.equal(health.observe({ ...nodeWith([READY]), metadata: { name: "n", uid: "other" } }, undefined), 40_000);
});

test("of a silent node all that kubelets report becomes unknown, once", () => {
  const conditions = unknownConditions(nodeWith([READY, { type: "MemoryPressure", status: "False" }]), NOW);
  assert.deepEqual(
    conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ["Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
      ["MemoryPressure", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."],
      ["DiskPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
      ["PIDPressure", "Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
    ],
  );
  assert.equal(conditions[0]?.lastHeartbeatTime, "t0");
  assert.deepEqual(unknownConditions(nodeWith([...conditions]), NOW), []);
});

test("taints follow the conditions, and go with them", () => {
  const own: Taint = { key: "mine", effect: "NoSchedule" };
  const taintsOf = (conditions: NodeCondition[], taints: Taint[], unschedulable = false): string[] | undefined =>
    correctedTaints({ ...nodeWith(conditions), spec: { taints, unschedulable } }, NOW)?.map(
      ({ key, effect, timeAdded }) =>
        `${key.replace("node.kubernetes.io/", "")}:${effect}${timeAdded === NOW ? "!" : ""}`,
    );
  assert.equal(taintsOf([READY], [own]), undefined);
  const notReady = taintsOf([{ ...READY, status: "False" }], [own]);
  assert.deepEqual(notReady, ["mine:NoSchedule", "not-ready:NoSchedule!", "not-ready:NoExecute!"]);
  const present: Taint[] = [
    { key: "node.kubernetes.io/not-ready", effect: "NoSchedule", timeAdded: "old" },
    { key: "node.kubernetes.io/not-ready", effect: "NoExecute", timeAdded: "old" },
    own,
  ];
  assert.equal(taintsOf([{ ...READY, status: "False" }], present), undefined);
  const unreachable = taintsOf([{ ...READY, status: "Unknown" }], present);
  assert.deepEqual(unreachable, ["mine:NoSchedule", "unreachable:NoSchedule!", "unreachable:NoExecute!"]);
  assert.deepEqual(taintsOf([READY], present), ["mine:NoSchedule"]);
  const pressed = taintsOf([READY, { type: "DiskPressure", status: "True" }], [], true);
  assert.deepEqual(pressed, ["disk-pressure:NoSchedule!", "unschedulable:NoSchedule!"]);
});

function nodeWith(conditions: NodeCondition[]): Node {
  return { metadata: { name: "n", uid: "u", creationTimestamp: NOW }, status: { conditions } };
}

function lease(renewTime: string): Lease {
  return { metadata: { name: "n" }, spec: { renewTime } };
}

function healthAt(): { readonly health: NodeHealth; readonly advance: (ms: number) => void } {
  let now = 0;
  const clock: Clock = { now: () => 0, monotonic: () => now, sleep: () => Promise.resolve() };
  return {
    health: new NodeHealth(clock),
    advance: (ms) => {
      now += ms;
    },
  };
}
