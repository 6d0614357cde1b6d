import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { requires } from "../../src/testing/requires.ts";
import { openArmedFixture, readFailpoints } from "./armed-fixture.ts";
import { containersWithEnvironment, pidsWithEnvironment } from "./host-processes.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { mainStatus, waitForPhase } from "./pod-state.ts";

/** Every named point of making sandboxes and containers. */
const POINTS = readFailpoints(["containers"]);

const skip = requires("root", "docker-registry", "busybox-static");

describe("kill -9 while a pod starts", { skip }, () => {
  test("there are points to be killed at", () => assert.ok(POINTS.length >= 3, POINTS.join(", ")));

  for (const point of POINTS) {
    test(`at ${point}: the pod runs afterwards, once`, async () => {
      await using fixture = await openArmedFixture(`${point}=1*kill`);
      const { kubectl, registries, cluster } = fixture;
      const mark = `${point}-${process.pid}`;
      const container = { env: [{ name: "START_MARK", value: mark }] };
      await kubectl.create(podManifest({ name: "starts", image: registries.publicImage, command: SLEEP, container }));
      const pod = await waitForPhase(kubectl, "starts", "Running", { timeout: "60s" });
      const shells = containersWithEnvironment(`START_MARK=${mark}`);
      assert.deepEqual([shells.length, mainStatus(pod).ready], [1, true]);
      assert.ok((cluster.status().roles.node?.restarts ?? 0) >= 1, `the node was never killed at ${point}`);
      await kubectl.ok(["delete", "pod", "starts", "--timeout=30s"]);
      assert.deepEqual(pidsWithEnvironment(`START_MARK=${mark}`), []);
    });
  }
});
