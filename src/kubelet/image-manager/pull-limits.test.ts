import assert from "node:assert/strict";
import { test } from "node:test";

import type { PodSpec } from "../../api/core-v1.gen.ts";
import { container, NodeFixture } from "../testing/node-fixture.ts";

function podOf(image: string): Partial<PodSpec> {
  return { containers: [container("main", { image, imagePullPolicy: "Always" })] };
}

function pullingEvents({ events }: NodeFixture): string[] {
  return events.flatMap((event) => event.split("Normal Pulling spec.containers{main} ")[1] ?? []);
}

test("any number of pulls run side by side unless told otherwise", async () => {
  await using node = await NodeFixture.open();
  const held = node.images.hold("r.io/huge:1");
  node.addPod("huge", podOf("r.io/huge:1"));
  await node.untilTrue(() => node.images.pulls.length === 1);
  node.addPod("small", podOf("r.io/small:1"));
  await node.until("small", ({ phase }) => phase === "Running");
  held.finish();
  await node.until("huge", ({ phase }) => phase === "Running");
});

test("with serializeImagePulls one pull follows another, in the order of their pods", async () => {
  await using node = await NodeFixture.open({ serializeImagePulls: true });
  const held = node.images.hold("r.io/a:1");
  for (const [count, name] of ["a", "b", "c"].entries()) {
    node.addPod(name, podOf(`r.io/${name}:1`));
    await node.untilTrue(() => pullingEvents(node).length === count + 1);
  }
  assert.deepEqual(node.images.pulls, ["r.io/a:1"]);
  held.finish();
  await node.until("c", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, ["r.io/a:1", "r.io/b:1", "r.io/c:1"]);
});

test("the time of a pull is told without and with its wait", async () => {
  await using node = await NodeFixture.open({ maxParallelImagePulls: 1 });
  const first = node.images.hold("r.io/a:1");
  const second = node.images.hold("r.io/b:1");
  node.addPod("a", podOf("r.io/a:1"));
  await node.untilTrue(() => first.trace !== undefined);
  node.addPod("b", podOf("r.io/b:1"));
  await node.untilTrue(() => pullingEvents(node).length === 2);
  node.clock.advance(4000);
  first.finish();
  await node.untilTrue(() => second.trace !== undefined);
  node.clock.advance(1000);
  second.finish();
  await node.until("b", ({ phase }) => phase === "Running");
  const told = node.events.find((event) => event.includes('Successfully pulled image "r.io/b:1"'));
  assert.match(told ?? "", /in 1s \(5s including waiting\)\. Image size: 1234 bytes\.$/);
});

test("a pod that is deleted while its pull waits for a turn leaves the turn to the next", async () => {
  await using node = await NodeFixture.open({ maxParallelImagePulls: 1 });
  const held = node.images.hold("r.io/a:1");
  node.addPod("a", podOf("r.io/a:1"));
  await node.untilTrue(() => held.trace !== undefined);
  const waiting = node.addPod("b", podOf("r.io/b:1"));
  await node.untilTrue(() => pullingEvents(node).length === 2);
  node.addPod("c", podOf("r.io/c:1"));
  await node.untilTrue(() => pullingEvents(node).length === 3);
  node.deletePod(waiting);
  held.finish();
  await node.until("c", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, ["r.io/a:1", "r.io/c:1"]);
});

test("a pull that gets no bytes for ten seconds lends its turn, one that goes on keeps it", async () => {
  await using node = await NodeFixture.open({ maxParallelImagePulls: 1 });
  const held = node.images.hold("r.io/hung:1");
  node.addPod("hung", podOf("r.io/hung:1"));
  await node.untilTrue(() => held.trace !== undefined);
  held.trace?.layers([{ digest: "sha256:a", size: 1000, present: false }]);
  held.trace?.layerState("sha256:a", "downloading");
  held.trace?.layerBytes("sha256:a", 100);
  node.addPod("small", podOf("r.io/small:1"));
  await node.untilTrue(() => pullingEvents(node).length === 2);
  node.clock.advance(10_000);
  await node.untilTrue(() => pullingEvents(node).length === 4);
  assert.deepEqual(node.images.pulls, ["r.io/hung:1"]);
  node.clock.advance(10_000);
  await node.until("small", ({ phase }) => phase === "Running");
  assert.deepEqual(node.images.pulls, ["r.io/hung:1", "r.io/small:1"]);
  held.finish();
});

test("pulls beyond registryPullQPS wait for their turn and do not fail", async () => {
  await using node = await NodeFixture.open({ registryPullQPS: 2, registryBurst: 1 });
  const began = node.clock.now();
  for (const name of ["a", "b", "c"]) node.addPod(name, podOf(`r.io/${name}:1`));
  await node.untilTrue(() => {
    if (node.images.pulls.length === 3) return true;
    node.clock.advance(50);
    return false;
  });
  assert.ok(node.clock.now() - began >= 1000);
  assert.ok(!node.events.some((event) => event.startsWith("Warning")));
});

test("a long pull tells how far it is, each time after twice as long", async () => {
  await using node = await NodeFixture.open();
  const held = node.images.hold("r.io/big:1");
  node.addPod("big", podOf("r.io/big:1"));
  await node.untilTrue(() => held.trace !== undefined);
  const MIB = 1024 * 1024;
  const tell = async (count: number, bytes: number) => {
    held.trace?.layerBytes("sha256:b", bytes);
    node.clock.advance(10_000);
    await node.untilTrue(() => pullingEvents(node).length === count);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await tell(2, 0);
  held.trace?.layers([
    { digest: "sha256:a", size: 50 * MIB, present: true },
    { digest: "sha256:b", size: 400 * MIB, present: false },
  ]);
  held.trace?.layerState("sha256:b", "downloading");
  await tell(3, 100 * MIB);
  await tell(3, 200 * MIB);
  await tell(4, 300 * MIB);
  held.finish();
  await node.until("big", ({ phase }) => phase === "Running");
  assert.deepEqual(pullingEvents(node), [
    'Pulling image "r.io/big:1"',
    'Pulling image "r.io/big:1": waiting for the registry\'s answer',
    'Pulling image "r.io/big:1": 100.0 MiB of 400.0 MiB (25 %), 1 of 2 layers, 10.0 MiB/s',
    'Pulling image "r.io/big:1": 300.0 MiB of 400.0 MiB (75 %), 1 of 2 layers, 10.0 MiB/s',
  ]);
  node.clock.advance(80_000);
  assert.equal(pullingEvents(node).length, 4);
});

test("every image that a container is made from is told as used", async () => {
  await using node = await NodeFixture.open();
  node.images.load("r.io/present:1");
  node.addPod("present", { containers: [container("main", { image: "r.io/present:1" })] });
  node.addPod("pulled", podOf("r.io/pulled:1"));
  await node.until("pulled", ({ phase }) => phase === "Running");
  await node.until("present", ({ phase }) => phase === "Running");
  assert.deepEqual(node.imagesUsed.toSorted(), ["r.io/present:1", "r.io/pulled:1"]);
});
