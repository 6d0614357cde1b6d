import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Event } from "../../src/api/core-v1.gen.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openRecordingProxy } from "../../src/testing/recording-proxy.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest } from "./pod-manifest.ts";
import { eventsOf, mainStatus, messagesOf, waitForPhase, waitForReason } from "./pod-state.ts";

describe(
  "a pull that fails",
  { skip: requires("root", "docker-registry", "busybox-static"), concurrency: true },
  () => {
    let fixture: ClusterFixture;
    before(async () => void (fixture = await openClusterFixture()));
    after(async () => await fixture[Symbol.asyncDispose]());

    test("is told by describe from the assignment to the back-off (seed: check-availability)", async () => {
      const { kubectl, registries, cluster } = fixture;
      const image = `${registries.publicHost}/team/app:absent`;
      await kubectl.create(podManifest({ name: "absent", image }));
      const pod = await waitForReason(kubectl, "absent", "ImagePullBackOff");
      const events = await eventsOf(kubectl, "absent");
      const has = (reason: string, pattern: RegExp) =>
        events.some((e) => e.reason === reason && pattern.test(e.message ?? ""));
      const node = pod.spec?.nodeName ?? "";
      const expected: [string, RegExp][] = [
        ["Scheduled", new RegExp(`^Successfully assigned default/absent to ${node}$`)],
        ["Pulling", new RegExp(`^Pulling image "${image}"$`)],
        ["Failed", new RegExp(`^Failed to pull image "${image}": .*(not found|404|manifest unknown)`, "i")],
        ["Failed", /^Error: ErrImagePull$/],
        ["BackOff", new RegExp(`^Back-off pulling image "${image}"`)],
        ["Failed", /^Error: ImagePullBackOff$/],
      ];
      const missing = expected.filter(([reason, pattern]) => !has(reason, pattern));
      assert.deepEqual(missing, [], JSON.stringify(events.map((event) => [event.reason, event.message])));
      assert.deepEqual(
        events.filter((event) => !isComplete(event)),
        [],
      );
      const described = await kubectl.ok(["describe", "pod", "absent"]);
      assert.match(described, /Normal +Scheduled +\S+ +default-scheduler +Successfully assigned/);
      assert.match(
        described,
        /Warning +Failed +\S+( \(x\d+ over \S+\))? +kubelet +(spec\.containers\{main\}: )?Error: ErrImagePull/,
      );
      assert.equal(cluster.name === "", false);
    });

    test("keeps the cause in the waiting message while it backs off", async () => {
      const image = `${fixture.registries.publicHost}/team/unknown:v1`;
      await fixture.kubectl.create(podManifest({ name: "message", image }));
      const pod = await waitForReason(fixture.kubectl, "message", "ImagePullBackOff");
      const message = mainStatus(pod).state?.waiting?.message ?? "";
      assert.equal(message.startsWith(`Back-off pulling image "${image}": ErrImagePull: `), true, message);
      assert.equal(pod.status?.phase, "Pending");
    });

    test("is found by its status (seed: query-back-off)", async () => {
      const { kubectl, registries } = fixture;
      await kubectl.create(podManifest({ name: "queried", image: `${registries.publicHost}/team/queried:v1` }));
      await waitForReason(kubectl, "queried", "ImagePullBackOff");
      const query = ["--field-selector", "status.phase=Failed", "--field-selector", "status.reason=ImagePullBackOff"];
      const found = await kubectl.ok(["get", "pods", "--all-namespaces", ...query]);
      const line = found.split("\n").find((text) => text.includes("queried")) ?? "";
      assert.match(line, /^default +queried +0\/1 +ImagePullBackOff +0 +\S+$/);
    });

    test("says so when the registry is down (seed: check-network)", async () => {
      const { kubectl, registries } = fixture;
      const proxy = await openRecordingProxy(registries.publicHost);
      const { host } = proxy;
      await proxy[Symbol.asyncDispose]();
      await kubectl.create(podManifest({ name: "down", image: `${host}/team/app:v1` }));
      await waitForReason(kubectl, "down", "ImagePullBackOff");
      const [failed = ""] = await messagesOf(kubectl, "down", "Failed");
      assert.match(failed, new RegExp(`${host}.*(connection refused|ECONNREFUSED)`, "i"));
      // No credential would have helped: none is spoken of.
      assert.doesNotMatch(failed, /credential|anonymous/);
    });

    test("says so when the reference does not parse (seed: check-reference)", async () => {
      const { kubectl } = fixture;
      await kubectl.create(podManifest({ name: "unparsable", image: "Not A Reference" }));
      const pod = await waitForReason(kubectl, "unparsable", "InvalidImageName");
      const message =
        'Failed to apply default image tag "Not A Reference": couldn\'t parse image name "Not A Reference": invalid reference format';
      assert.equal(
        mainStatus(pod).state?.waiting?.message?.startsWith(message),
        true,
        mainStatus(pod).state?.waiting?.message,
      );
      const [inspect = ""] = await messagesOf(kubectl, "unparsable", "InspectFailed");
      assert.equal(inspect.startsWith(message), true);
    });

    test("says so when no manifest has the digest", async () => {
      const { kubectl, registries } = fixture;
      const image = `${registries.publicHost}/team/app@sha256:${"0".repeat(64)}`;
      await kubectl.create(podManifest({ name: "wrong-digest", image }));
      await waitForReason(kubectl, "wrong-digest", "ImagePullBackOff");
      const [failed = ""] = await messagesOf(kubectl, "wrong-digest", "Failed");
      assert.match(
        failed,
        /^Failed to pull image "127\.0\.0\.1:\d+\/team\/app@sha256:0+": .*(not found|404|manifest unknown)/i,
      );
    });

    test("never runs bytes that are not the digest's", async () => {
      const { kubectl, registries } = fixture;
      await registries.pushVariant("corrupt/app", {}, 1);
      await using proxy = await openRecordingProxy(registries.publicHost, {
        rewrite: (path, body) => (path.includes("/blobs/") ? flipped(body) : body),
      });
      await kubectl.create(podManifest({ name: "corrupt", image: `${proxy.host}/corrupt/app:v1`, command: ["true"] }));
      await waitForReason(kubectl, "corrupt", "ImagePullBackOff");
      const [failed = ""] = await messagesOf(kubectl, "corrupt", "Failed");
      assert.match(failed, /digest/i);
    });

    test("works by itself when the cause is gone", async () => {
      const { kubectl, registries } = fixture;
      let isDown = true;
      await using proxy = await openRecordingProxy(registries.publicHost, { isDown: () => isDown });
      await kubectl.create(podManifest({ name: "recovers", image: `${proxy.host}/team/app:v1`, command: ["true"] }));
      await waitForReason(kubectl, "recovers", "ErrImagePull");
      isDown = false;
      await waitForPhase(kubectl, "recovers", "Succeeded", { timeout: "45s" });
    });
  },
);

/** Whether an event has all that `kubectl describe` and `get events -o wide` show. */
function isComplete(event: Event): boolean {
  const texts = [
    event.type,
    event.reason,
    event.message,
    event.source?.component,
    event.firstTimestamp,
    event.lastTimestamp,
  ];
  return texts.every((text) => typeof text === "string" && text !== "") && (event.count ?? 0) >= 1;
}

/** Returns the bytes with one bit changed, as long as before. */
function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = Math.floor(copy.length / 2);
  copy[middle] = (copy[middle] ?? 0) ^ 1;
  return copy;
}
