import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest } from "./pod-manifest.ts";
import { mainStatus, waitForField, waitForPhase } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");

describe("limits", { skip, concurrency: true }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  test("a container over its memory limit is OOMKilled", async () => {
    const { kubectl, registries } = fixture;
    // The shell keeps what the substitution gives in its own memory.
    const command = ["sh", "-c", 'x=$(head -c 200000000 /dev/zero | tr "\\0" x); echo ${#x}'];
    const container = { resources: { limits: { memory: "32Mi" } } };
    await kubectl.create(podManifest({ name: "hungry", image: registries.publicImage, command, container }));
    const pod = await waitForPhase(kubectl, "hungry", "Failed");
    assert.deepEqual(
      [mainStatus(pod).state?.terminated?.reason, mainStatus(pod).state?.terminated?.exitCode],
      ["OOMKilled", 137],
    );
    assert.match(await kubectl.ok(["get", "pod", "hungry"]), /hungry +0\/1 +OOMKilled +0/);
  });

  test("the same container within its limit succeeds", async () => {
    const { kubectl, registries } = fixture;
    const command = ["sh", "-c", 'x=$(head -c 1000000 /dev/zero | tr "\\0" x); echo ${#x}'];
    const container = { resources: { limits: { memory: "32Mi" } } };
    await kubectl.create(podManifest({ name: "content", image: registries.publicImage, command, container }));
    await waitForPhase(kubectl, "content", "Succeeded");
    assert.equal(await kubectl.ok(["logs", "content"]), "1000000\n");
  });

  test("a CPU limit slows a busy container down", async () => {
    const { kubectl, registries } = fixture;
    // 100 ms a second: two seconds of wall time hold at most 0.2 s of work, and what one period may exceed.
    const script =
      "end=$(($(cut -d. -f1 /proc/uptime) + 3)); while test $(cut -d. -f1 /proc/uptime) -lt $end; do :; done; cat /proc/1/stat";
    const container = { resources: { limits: { cpu: "100m", memory: "64Mi" } } };
    const command = ["sh", "-c", script];
    await kubectl.create(podManifest({ name: "busy", image: registries.publicImage, command, container }));
    await waitForPhase(kubectl, "busy", "Succeeded");
    const stat = (await kubectl.ok(["logs", "busy"])).split(") ")[1]?.split(" ") ?? [];
    // utime, stime and those of the children that were waited for: fields 14 to 17 of proc(5), in 1/100 s.
    const ticks = stat.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    assert.ok(ticks > 0 && ticks < 100, `${ticks} ticks`);
  });

  test("requests and limits give the pod its quality of service", async () => {
    const { kubectl, registries } = fixture;
    const image = registries.publicImage;
    const guaranteed = { resources: { limits: { cpu: "100m", memory: "32Mi" } } };
    const burstable = { resources: { requests: { cpu: "50m" } } };
    await kubectl.create(podManifest({ name: "guaranteed", image, command: ["true"], container: guaranteed }));
    await kubectl.create(podManifest({ name: "burstable", image, command: ["true"], container: burstable }));
    await kubectl.create(podManifest({ name: "best-effort", image, command: ["true"] }));
    const classes = ["guaranteed", "burstable", "best-effort"].map(
      async (name) => (await waitForPhase(kubectl, name, "Succeeded")).status?.qosClass,
    );
    assert.deepEqual(await Promise.all(classes), ["Guaranteed", "Burstable", "BestEffort"]);
  });

  test("a pod that asks for more than the node has stays Pending and says why", async () => {
    const { kubectl, registries } = fixture;
    const container = { resources: { requests: { memory: "900Ti" } } };
    await kubectl.create(podManifest({ name: "too-big", image: registries.publicImage, container }));
    const condition = '{.status.conditions[?(@.type=="PodScheduled")].reason}=Unschedulable';
    const pod = await waitForField(kubectl, "too-big", condition);
    const message = pod.status?.conditions?.find((each) => each.type === "PodScheduled")?.message ?? "";
    assert.match(message, /^0\/1 nodes are available: 1 Insufficient memory\./);
    assert.match(await kubectl.ok(["get", "events"]), /Warning +FailedScheduling +pod\/too-big/);
  });
});
