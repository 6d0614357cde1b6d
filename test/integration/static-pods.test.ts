import assert from "node:assert/strict";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";

import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { waitForPhase } from "./pod-state.ts";

describe("static pods", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  test("run while their file is there and are mirrored in the API", async () => {
    await using fixture = await openClusterFixture({ nodeName: "static-node" });
    const { kubectl, registries, cluster } = fixture;
    const directory = join(cluster.dataDir, "manifests");
    await mkdir(directory, { recursive: true });
    const file = join(directory, "web.json");
    await writeFile(file, JSON.stringify(podManifest({ name: "web", image: registries.publicImage, command: SLEEP })));
    const mirror = await waitUntil(
      "the mirror pod",
      async () => await waitForPhase(kubectl, "web-static-node", "Running"),
    );
    assert.equal(mirror.metadata?.annotations?.["kubernetes.io/config.source"], "file");
    assert.match(await kubectl.ok(["logs", "web-static-node"]), /^started\n$/);
    // Deleting the mirror does not end the pod: the file is what counts.
    await kubectl.ok(["delete", "pod", "web-static-node", "--now"]);
    const again = await waitUntil(
      "the mirror again",
      async () => await waitForPhase(kubectl, "web-static-node", "Running"),
    );
    assert.equal(again.status?.containerStatuses?.[0]?.containerID, mirror.status?.containerStatuses?.[0]?.containerID);
    await rm(file);
    await waitUntil("the end of the mirror", async () => {
      const names = await kubectl.ok(["get", "pods", "-o", "name"]);
      return !names.includes("web-static-node");
    });
  });
});
