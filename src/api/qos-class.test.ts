import assert from "node:assert/strict";
import { test } from "node:test";
import type { ResourceRequirements } from "./core-v1.gen.ts";
import { qosClassOf } from "./qos-class.ts";

const pod = (...resources: ResourceRequirements[]) => ({
  containers: resources.map((requirements, index) => ({ name: `c${index}`, resources: requirements })),
});
const FULL = { limits: { cpu: "1", memory: "1Gi" } };

test("the class follows from all containers together", () => {
  const cases: [ResourceRequirements[], string][] = [
    [[{}], "BestEffort"],
    [[{ limits: { "example.com/gpu": "1" } }], "BestEffort"],
    [[FULL], "Guaranteed"],
    [[{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }], "Guaranteed"],
    [[{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }], "Burstable"],
    [[{ requests: { cpu: "1" } }], "Burstable"],
    [[FULL, {}], "Burstable"],
    [[FULL, FULL], "Guaranteed"],
    [[{ requests: { cpu: "0" } }], "BestEffort"],
  ];
  for (const [resources, expected] of cases)
    assert.equal(qosClassOf(pod(...resources)), expected, JSON.stringify(resources));
});

test("an init container counts as well", () => {
  const spec = { ...pod(FULL), initContainers: [{ name: "i" }] };
  assert.equal(qosClassOf(spec), "Burstable");
});
