import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { disposable } from "../../src/base/disposable.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openRecordingProxy } from "../../src/testing/recording-proxy.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { guideBlocks, runCommands } from "./guide-commands.ts";
import { podManifest } from "./pod-manifest.ts";
import { mainStatus, messagesOf, podOf, waitForField, waitForPhase } from "./pod-state.ts";

/** Bytes after which a body stops: more than the layer that all images share, less than the one that makes some large. */
const HANGS_AFTER = 3_000_000;

describe("the kubelet's image policy", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  test("small images do not wait behind images whose registry hangs", async () => {
    const { kubectl, registries } = fixture;
    const large = await Promise.all(
      [1, 2, 3].map(async (count) => await registries.pushVariant(`hung/app${count}`, {}, 4)),
    );
    await using proxy = await openRecordingProxy(registries.publicHost, { stallAfter: () => HANGS_AFTER });
    for (const [count, image] of large.entries()) {
      const hung = image.replace(registries.publicHost, proxy.host);
      await kubectl.create(podManifest({ name: `hung-${count}`, image: hung, command: ["true"] }));
    }
    await waitUntil("every large image hangs", () => proxy.stalled() >= large.length);
    const began = performance.now();
    await kubectl.create(podManifest({ name: "small", image: registries.publicImage, command: ["true"] }));
    await waitForPhase(kubectl, "small", "Succeeded");
    const elapsedMs = performance.now() - began;
    assert.ok(elapsedMs < 5000, `the small image took ${Math.round(elapsedMs)} ms`);
    for (const count of large.keys()) {
      const pod = await podOf(kubectl, `hung-${count}`);
      assert.equal(mainStatus(pod).state?.waiting?.reason, "ContainerCreating");
    }
    const told = async () => (await messagesOf(kubectl, "hung-0", "Pulling")).find((text) => text.includes("layers"));
    assert.match(
      await waitUntil("the pull tells how far it is", told),
      /^Pulling image ".+": 3\.9 MiB of 5\.1 MiB \(77 %\), 2 of 3 layers, \d+\.\d KiB\/s$/,
    );
  });

  test("an image that is there costs Always one HEAD, and a restart with IfNotPresent nothing", async () => {
    const { kubectl, registries } = fixture;
    let isDown = false;
    await using proxy = await openRecordingProxy(registries.publicHost, { isDown: () => isDown });
    const image = `${proxy.host}/team/app:v1`;
    await kubectl.create(podManifest({ name: "brings-it", image, command: ["true"] }));
    await waitForPhase(kubectl, "brings-it", "Succeeded");
    proxy.clear();
    await kubectl.create(podManifest({ name: "always", image, policy: "Always", command: ["true"] }));
    await waitForPhase(kubectl, "always", "Succeeded");
    assert.deepEqual(proxy.requests(), ["HEAD /v2/team/app/manifests/v1 200"]);
    isDown = true;
    proxy.clear();
    const once = ["sh", "-c", "test -e /data/ran && exec sleep 1000; touch /data/ran"];
    const container = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
    const volumes = [{ name: "data", emptyDir: {} }];
    const sketch = { name: "restarts", image, policy: "IfNotPresent", restartPolicy: "Always", command: once } as const;
    const manifest = podManifest({ ...sketch, container });
    await kubectl.create({
      ...manifest,
      spec: { ...manifest.spec, containers: manifest.spec?.containers ?? [], volumes },
    });
    await waitForField(kubectl, "restarts", "{.status.containerStatuses[0].restartCount}=1");
    await waitForPhase(kubectl, "restarts", "Running");
    assert.deepEqual(proxy.requests(), []);
    await kubectl.ok(["delete", "pod", "restarts", "--grace-period=0", "--force"]);
  });
});

describe("settings of the node from a file", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  test("the guide's limit of pulls holds, but not for a registry that has gone silent", async () => {
    const [settings = ""] = await guideBlocks(GUIDE, "yaml");
    const directory = await mkdtemp(join(tmpdir(), "berth-settings-"));
    await using _directory = disposable(async () => await rm(directory, { recursive: true }));
    const kubeletConfig = join(directory, "kubelet.yaml");
    await writeFile(kubeletConfig, `${settings}maxPods: 7\ncpuManagerPolicy: static\n`);
    await using fixture = await openClusterFixture({ kubeletConfig });
    const { kubectl, registries } = fixture;
    assert.equal(await kubectl.ok(["get", "nodes", "-o", "jsonpath={.items[0].status.capacity.pods}"]), "7");
    await using proxy = await openRecordingProxy(registries.publicHost, { stallAfter: () => HANGS_AFTER });
    for (const name of ["hung-1", "hung-2"]) {
      const large = await registries.pushVariant(`${name}/app`, {}, 4);
      const image = large.replace(registries.publicHost, proxy.host);
      await kubectl.create(podManifest({ name, image, command: ["true"] }));
    }
    await waitUntil("both images hang", () => proxy.stalled() > 1);
    await kubectl.create(podManifest({ name: "small", image: registries.publicImage, command: ["true"] }));
    await waitForPhase(kubectl, "small", "Succeeded");
    const [pulled = ""] = await messagesOf(kubectl, "small", "Pulled");
    assert.match(pulled, /in \d+ms \((?:1\d|2\d)(?:\.\d+)?s including waiting\)/);
    const log = await readFile(join(fixture.cluster.dataDir, "logs/node.log"), "utf8");
    assert.deepEqual(log.match(/"field":"\w+"/g), ['"field":"cpuManagerPolicy"']);
    await writeFile(join(fixture.directory, "kubelet.yaml"), settings);
    for (const commands of await guideBlocks(GUIDE, "sh")) await runCommands(commands, fixture);
  });
});

const GUIDE = "limit-pulls-and-disk.md";
