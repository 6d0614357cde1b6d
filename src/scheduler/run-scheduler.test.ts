import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, Pod } from "../api/core-v1.gen.ts";
import { EVENTS, NODES, PODS } from "../api/resource-types.ts";
import { createInformer } from "../client/informer.ts";
import type { RestClient } from "../client/rest-client.ts";
import { addNode, addPod, startControlPlane } from "../controllers/control-plane.suite.ts";
import { waitUntil } from "../testing/wait-until.ts";

const QUICKLY = { intervalMs: 5, timeoutMs: 10_000 } as const;

test("a pod is given a ready node, and its Scheduled event says which", async () => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1");
  await addPod(plane.client, "p");
  const pod = await scheduled(plane.client, "p");
  assert.equal(pod.spec?.nodeName, "n1");
  assert.equal(pod.status?.conditions?.find(({ type }) => type === "PodScheduled")?.status, "True");
  const [event] = await eventsOf(plane.client, "p", 1);
  assert.deepEqual(
    [event?.type, event?.reason, event?.message, event?.source?.component],
    ["Normal", "Scheduled", "Successfully assigned default/p to n1", "default-scheduler"],
  );
});

test("a pod that fits nowhere says why in its condition and an event, and is placed when a node comes", async () => {
  await using plane = await startControlPlane();
  await addPod(plane.client, "p");
  const [event] = await eventsOf(plane.client, "p", 1);
  assert.deepEqual(
    [event?.type, event?.reason, event?.message],
    ["Warning", "FailedScheduling", "no nodes available to schedule pods"],
  );
  const pod = await plane.client.get(PODS, { namespace: "default", name: "p" });
  const condition = pod.status?.conditions?.find(({ type }) => type === "PodScheduled");
  assert.deepEqual(
    [condition?.status, condition?.reason, condition?.message],
    ["False", "Unschedulable", "no nodes available to schedule pods"],
  );
  await addNode(plane.client, "n1");
  assert.equal((await scheduled(plane.client, "p")).spec?.nodeName, "n1");
});

test("room that a pod leaves when it ends is given to one that waits", async () => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1", { memory: "100Mi" });
  const asking = { containers: [{ name: "c", image: "i", resources: { requests: { memory: "80Mi" } } }] };
  await addPod(plane.client, "first", asking);
  await scheduled(plane.client, "first");
  await addPod(plane.client, "second", asking);
  const [event] = await eventsOf(plane.client, "second", 1);
  assert.equal(event?.message, "0/1 nodes are available: 1 Insufficient memory.");
  const first = { namespace: "default", name: "first" };
  await plane.client.patch(PODS, first, { status: { phase: "Succeeded" } }, { kind: "merge", subresource: "status" });
  await scheduled(plane.client, "second");
});

test("a node that is not ready, or cordoned, is given no pod until it is", async () => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1");
  await plane.client.patch(NODES, { name: "n1" }, { spec: { unschedulable: true } }, { kind: "merge" });
  await addPod(plane.client, "p");
  const [event] = await eventsOf(plane.client, "p", 1);
  assert.equal(event?.message, "0/1 nodes are available: 1 node(s) were unschedulable.");
  await plane.client.patch(NODES, { name: "n1" }, { spec: { unschedulable: false } }, { kind: "merge" });
  await scheduled(plane.client, "p");
});

test("many pods made at once are all placed, and no node gets more than it takes", async () => {
  await using plane = await startControlPlane();
  await Promise.all(["n1", "n2", "n3"].map((name) => addNode(plane.client, name, { pods: "20" })));
  await Promise.all(Array.from({ length: 60 }, (_, i) => addPod(plane.client, `p${i}`)));
  const pods = await waitUntil(
    "all pods placed",
    async () => {
      const { items } = await plane.client.list(PODS, { namespace: "default" });
      return items.every((pod) => pod.spec?.nodeName !== undefined) && items;
    },
    { ...QUICKLY, timeoutMs: 30_000 },
  );
  const counts = Map.groupBy(pods, (pod) => pod.spec?.nodeName);
  assert.deepEqual([...counts].map(([name, on]) => `${name}: ${on.length}`).toSorted(), ["n1: 20", "n2: 20", "n3: 20"]);
});

test("another scheduler's pod, and one that a gate holds back, are left alone", async () => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1");
  await addPod(plane.client, "other", { schedulerName: "other" });
  await addPod(plane.client, "held", { schedulingGates: [{ name: "example.com/wait" }] });
  await addPod(plane.client, "ours");
  await scheduled(plane.client, "ours");
  const { items } = await plane.client.list(PODS, { namespace: "default" });
  const placed = items.filter((pod) => pod.spec?.nodeName !== undefined).map((pod) => pod.metadata?.name);
  assert.deepEqual(placed, ["ours"]);
});

test("a scheduler takes up its work when the API server comes back, without placing anything twice", async (context) => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1", { pods: "3" });
  await addPod(plane.client, "before");
  await scheduled(plane.client, "before");
  await plane.restartServer();
  const backAt = performance.now();
  await addPod(plane.client, "after");
  await scheduled(plane.client, "after");
  context.diagnostic(`${(performance.now() - backAt).toFixed(0)} ms from the server's return to the next pod's place`);
  await plane.restartServer();
  await addPod(plane.client, "last");
  await scheduled(plane.client, "last");
  await addPod(plane.client, "surplus");
  const [event] = await eventsOf(plane.client, "surplus", 1);
  assert.equal(event?.message, "0/1 nodes are available: 1 Too many pods.");
});

test("a pending pod is bound within milliseconds", async (context) => {
  await using plane = await startControlPlane();
  await addNode(plane.client, "n1");
  const informer = createInformer(plane.client, PODS);
  const controller = new AbortController();
  const running = informer.run(controller.signal);
  const seen = new Map<string, number>();
  const took: number[] = [];
  informer.subscribe({
    onAdd: (pod) => seen.set(pod.metadata?.name ?? "", performance.now()),
    onUpdate: (old, pod) => {
      const isBound = old.spec?.nodeName === undefined && pod.spec?.nodeName !== undefined;
      if (isBound) took.push(performance.now() - (seen.get(pod.metadata?.name ?? "") ?? 0));
    },
  });
  await informer.synced;
  for (let i = 0; i < 20; i++) {
    await addPod(plane.client, `p${i}`);
    await waitUntil("bound", () => took.length > i, { intervalMs: 1 });
  }
  controller.abort();
  await running;
  const median = took.toSorted((a, b) => a - b)[10] ?? 0;
  context.diagnostic(`median ${median.toFixed(1)} ms from the watch event to the bound pod`);
  // The aim is 5 ms; a loaded machine must not fail the build for it.
  assert.ok(median < 100, `${median} ms`);
});

async function scheduled(client: RestClient, name: string): Promise<Pod> {
  return await waitUntil(
    `${name} scheduled`,
    async () => {
      const pod = await client.get(PODS, { namespace: "default", name });
      return (pod.spec?.nodeName ?? "") !== "" && pod;
    },
    QUICKLY,
  );
}

async function eventsOf(client: RestClient, name: string, count: number): Promise<readonly Event[]> {
  return await waitUntil(
    `events of ${name}`,
    async () => {
      const { items } = await client.list(EVENTS, {
        namespace: "default",
        fieldSelector: `involvedObject.name=${name}`,
      });
      return items.length >= count && items;
    },
    QUICKLY,
  );
}
