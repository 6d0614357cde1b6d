import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import type { NodeCondition } from "../../api/core-v1.gen.ts";
import type { RuntimeCondition } from "../../cri/runtime-service.ts";
import { type HostPressure, readHostInfo, readHostPressure } from "./host-info.ts";
import { nodeConditionsOf } from "./node-conditions.ts";
import { nodeImagesOf } from "./node-images.ts";
import { nodeResourcesOf } from "./node-resources.ts";

const CALM: HostPressure = {
  availableMemoryBytes: 1024 ** 3,
  filesystem: { capacityBytes: 1000, availableBytes: 500, inodes: 100, freeInodes: 50 },
  processes: { running: 100, max: 32_768 },
};

function runtimeConditions(network: Partial<RuntimeCondition> = {}): readonly RuntimeCondition[] {
  const ready = { status: true, reason: "", message: "" };
  return [
    { type: "RuntimeReady", ...ready },
    { type: "NetworkReady", ...ready, ...network },
  ];
}

function conditions(pressure: HostPressure, previous: readonly NodeCondition[] = [], now = "T1"): NodeCondition[] {
  return nodeConditionsOf({ runtime: { conditions: runtimeConditions() }, pressure, previous, now });
}

test("a node in good health says so in the kubelet's words", () => {
  const told = conditions(CALM).map(({ type, status, reason, message }) => [type, status, reason, message]);
  assert.deepEqual(told, [
    ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
  ]);
});

test("what runs out is told", () => {
  const pressed: HostPressure = {
    availableMemoryBytes: 1024,
    filesystem: { capacityBytes: 1000, availableBytes: 99, inodes: 0, freeInodes: 0 },
    processes: { running: 32_000, max: 32_768 },
  };
  assert.deepEqual(
    conditions(pressed).map(({ status }) => status),
    ["True", "True", "True", "True"],
  );
});

test("a network that is not up makes the node not ready and says why", () => {
  const runtime = { conditions: runtimeConditions({ status: false, reason: "NoPodRange", message: "no range" }) };
  const ready = nodeConditionsOf({ runtime, pressure: CALM, previous: [], now: "T1" }).at(-1);
  assert.deepEqual(
    [ready?.status, ready?.reason, ready?.message],
    [
      "False",
      "KubeletNotReady",
      "container runtime network not ready: NetworkReady=false reason:NoPodRange message:no range",
    ],
  );
});

test("a transition time changes with the status only, and conditions of others stay", () => {
  const foreign: NodeCondition = { type: "Foreign", status: "True" };
  const second = conditions(CALM, [...conditions(CALM), foreign], "T2");
  assert.deepEqual(second[0], foreign);
  assert.deepEqual(
    second.slice(1).map(({ lastHeartbeatTime, lastTransitionTime }) => [lastHeartbeatTime, lastTransitionTime]),
    Array.from({ length: 4 }, () => ["T2", "T1"]),
  );
});

test("this machine has resources, of which some are kept back", async () => {
  const host = await readHostInfo();
  const { capacity, allocatable } = nodeResourcesOf(host, await readHostPressure(tmpdir()), 110);
  assert.match(capacity["memory"] ?? "", /^\d+Ki$/);
  assert.ok(Number(capacity["cpu"]) >= 1);
  assert.equal(allocatable["pods"], "110");
  assert.ok(Number.parseInt(allocatable["memory"] ?? "", 10) < Number.parseInt(capacity["memory"] ?? "", 10));
  assert.match(host.bootId, /^[0-9a-f-]{36}$/);
});

test("images are listed largest first, no more than wanted, with at most five names", () => {
  const image = (size: number, names: number) => ({
    id: `sha256:${size}`,
    size,
    repoTags: Array.from({ length: names }, (_, at) => `r.io/i${size}:${at}`),
    repoDigests: [],
    spec: { image: "" },
    pinned: false,
  });
  assert.deepEqual(nodeImagesOf([image(1, 1), image(3, 7), image(2, 1)], 2), [
    { names: [0, 1, 2, 3, 4].map((at) => `r.io/i3:${at}`), sizeBytes: 3 },
    { names: ["r.io/i2:0"], sizeBytes: 2 },
  ]);
});
