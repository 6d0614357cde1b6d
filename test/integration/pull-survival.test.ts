import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openRecordingProxy } from "../../src/testing/recording-proxy.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { openArmedFixture, readFailpoints } from "./armed-fixture.ts";
import { killNow } from "./host-processes.ts";
import { podManifest } from "./pod-manifest.ts";
import { waitForPhase } from "./pod-state.ts";

/** Every named point of a pull, in the node's own process, at which bytes or records are about to become durable. */
const POINTS = readFailpoints(["content", "snapshots/overlayfs", "images", "metadata"]);

const skip = requires("root", "docker-registry", "busybox-static");

describe("kill -9 during a pull", { skip }, () => {
  test("there are points to be killed at", () => assert.ok(POINTS.length >= 3, POINTS.join(", ")));

  for (const point of POINTS) {
    test(`at ${point}: the image runs afterwards and only whole blobs are kept`, async () => {
      await using fixture = await openArmedFixture(`${point}=1*kill`);
      const { kubectl, registries, cluster } = fixture;
      await kubectl.create(
        podManifest({ name: "pulls", image: registries.publicImage, command: ["cat", "/image-file"] }),
      );
      await waitForPhase(kubectl, "pulls", "Succeeded", { timeout: "60s" });
      const { roles } = cluster.status();
      assert.equal(await kubectl.ok(["logs", "pulls"]), "from the image\n");
      assert.ok((roles.node?.restarts ?? 0) >= 1, `the node was never killed at ${point}`);
      await assertOnlyWholeBlobs(fixture);
    });
  }

  test("at random moments: the image runs afterwards", async (t) => {
    await using fixture = await openClusterFixture();
    const { kubectl, registries, cluster } = fixture;
    for (let round = 0; round < 5; round++) {
      const image = await registries.pushVariant(`random/app${round}`, { Labels: { round: String(round) } }, 4);
      const name = `random-${round}`;
      await kubectl.create(podManifest({ name, image, command: ["cat", "/image-file"] }));
      const waitMs = Math.round(20 + Math.random() * 400);
      t.diagnostic(`round ${round}: killed after ${waitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      killNow(cluster.status().pids.node);
      await waitForPhase(kubectl, name, "Succeeded", { timeout: "60s" });
      // The pod may have ended before the kill: then the node is not back yet.
      const log = await waitUntil("its log", async () => await kubectl.ok(["logs", name]));
      assert.equal(log, "from the image\n");
    }
    await assertOnlyWholeBlobs(fixture);
  });

  test("in the middle of a blob: what was fetched is not fetched again", async () => {
    await using fixture = await openClusterFixture();
    const { kubectl, registries, cluster } = fixture;
    const image = await registries.pushVariant("resumed/app", {}, 8);
    let isStalling = true;
    await using proxy = await openRecordingProxy(registries.publicHost, {
      stallAfter: (path) => (isStalling && path.includes("/blobs/") ? 4 * 1024 * 1024 : undefined),
    });
    const reference = image.replace(registries.publicHost, proxy.host);
    await kubectl.create(podManifest({ name: "resumed", image: reference, command: ["cat", "/image-file"] }));
    await waitUntil("a blob to be half sent", () => proxy.stalled() > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    killNow(cluster.status().pids.node);
    isStalling = false;
    await waitForPhase(kubectl, "resumed", "Succeeded", { timeout: "60s" });
    const ranges = proxy.ranges();
    assert.ok(
      ranges.some((range) => /^bytes=[1-9]\d*-/.test(range)),
      `no request with a range: ${proxy.requests().join(", ")}`,
    );
  });
});

/** Checks with our own SHA-256 that every blob on disk is what its name says, and that nothing half is left. */
async function assertOnlyWholeBlobs({ kubectl, registries, cluster }: ClusterFixture): Promise<void> {
  // The next pull is what sweeps up after the one that was killed.
  const image = await registries.pushVariant(`sweep/app${process.hrtime.bigint()}`, { Labels: { sweep: "1" } });
  await kubectl.create(podManifest({ name: "sweeps", image, command: ["true"] }));
  await waitForPhase(kubectl, "sweeps", "Succeeded");
  const files = readdirSync(join(cluster.dataDir, "engine", "content"), {
    recursive: true,
    withFileTypes: true,
  }).filter((entry) => entry.isFile());
  const blobs = files.filter((entry) => /^[0-9a-f]{64}$/.test(entry.name));
  const wrong = blobs.filter((entry) => sha256(join(entry.parentPath, entry.name)) !== entry.name);
  const rest = files.filter((entry) => !blobs.includes(entry)).map((entry) => join(entry.parentPath, entry.name));
  assert.ok(blobs.length > 0);
  assert.deepEqual([wrong, rest], [[], []]);
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
