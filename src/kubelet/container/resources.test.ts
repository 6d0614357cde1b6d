import assert from "node:assert/strict";
import { test } from "node:test";

import type { Container, PodSpec } from "../../api/core-v1.gen.ts";
import { nodePodOf, type NodePod } from "../node-pod.ts";
import { qosClassOf } from "../../api/qos-class.ts";
import { containerResources, podResources } from "./resources.ts";

const NODE = { memoryBytes: 4 * 1024 ** 3 };

function container(requests: Record<string, string>, limits: Record<string, string> = {}): Container {
  return { name: "c", resources: { requests, limits } };
}

function pod(...containers: Container[]): NodePod {
  return podOf({ containers });
}

function podOf(spec: PodSpec): NodePod {
  return nodePodOf({ metadata: { uid: "u", namespace: "n", name: "p" }, spec });
}

function resourcesOf(only: Container): unknown {
  return containerResources(pod(only), only, NODE);
}

test("without requests a container gets the least shares and dies first", () => {
  assert.deepEqual(resourcesOf(container({})), { cpuShares: 2, oomScoreAdj: 1000 });
});

test("requests become shares, limits quota and memory limit", () => {
  assert.deepEqual(resourcesOf(container({ cpu: "250m", memory: "1Gi" }, { cpu: "1500m", memory: "2Gi" })), {
    cpuShares: 256,
    cpuPeriod: 100_000,
    cpuQuota: 150_000,
    memoryLimitInBytes: 2 * 1024 ** 3,
    oomScoreAdj: 750,
  });
});

test("a limit stands for a missing request, and tiny limits keep the kernel's least quota", () => {
  assert.deepEqual(resourcesOf(container({}, { cpu: "1m" })), {
    cpuShares: 2,
    cpuPeriod: 100_000,
    cpuQuota: 1000,
    oomScoreAdj: 999,
  });
});

test("a guaranteed container and a critical pod die last", () => {
  const guaranteed = container({ cpu: "1", memory: "1Gi" }, { cpu: "1000m", memory: "1024Mi" });
  assert.equal(qosClassOf(pod(guaranteed).spec), "Guaranteed");
  assert.equal(containerResources(pod(guaranteed), guaranteed, NODE).oomScoreAdj, -997);
  const critical = podOf({ containers: [container({})], priority: 2_000_001_000 });
  assert.equal(containerResources(critical, container({}), NODE).oomScoreAdj, -997);
});

test("the class of a pod follows from all of its containers", () => {
  const guaranteed = container({}, { cpu: "1", memory: "1Gi" });
  assert.equal(qosClassOf(pod(guaranteed, container({})).spec), "Burstable");
  assert.equal(qosClassOf(pod(container({ cpu: "0" })).spec), "BestEffort");
  assert.equal(qosClassOf(pod(container({ memory: "1Mi" })).spec), "Burstable");
  assert.equal(
    qosClassOf(podOf({ containers: [guaranteed], initContainers: [container({ cpu: "1" })] }).spec),
    "Burstable",
  );
});

test("a pod is limited where every container is, and needs the larger of init and regular containers", () => {
  const limited = container({ cpu: "1" }, { cpu: "1", memory: "1Mi" });
  assert.deepEqual(podResources(pod(limited, limited)), {
    cpuShares: 2048,
    cpuPeriod: 100_000,
    cpuQuota: 200_000,
    memoryLimitInBytes: 2 * 1024 ** 2,
  });
  assert.deepEqual(podResources(pod(limited, container({ cpu: "1" }))), { cpuShares: 2048 });
  const heavyInit = podOf({
    containers: [limited],
    initContainers: [container({ cpu: "3" }, { cpu: "3", memory: "5Mi" })],
  });
  assert.deepEqual(podResources(heavyInit), {
    cpuShares: 3072,
    cpuPeriod: 100_000,
    cpuQuota: 300_000,
    memoryLimitInBytes: 5 * 1024 ** 2,
  });
});
