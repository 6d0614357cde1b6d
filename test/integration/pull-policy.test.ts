import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openRecordingProxy, type RecordingProxy } from "../../src/testing/recording-proxy.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest, SLEEP, type PodSketch } from "./pod-manifest.ts";
import { mainStatus, messagesOf, podOf, waitForField, waitForPhase, waitForReason } from "./pod-state.ts";

describe("pull policy", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Runs a pod of `echo` to its end with the image seen through a proxy, and returns what the registry was asked. */
  async function requestsOf(proxy: RecordingProxy, sketch: Omit<PodSketch, "image"> & { image?: string }) {
    proxy.clear();
    const image = sketch.image ?? `${proxy.host}/team/app:v1`;
    await fixture.kubectl.create(podManifest({ command: ["true"], ...sketch, image }));
    await waitForPhase(fixture.kubectl, sketch.name, "Succeeded");
    return proxy.requests().map((request) => request.replace(/sha256:[0-9a-f]+/, "DIGEST"));
  }

  test("an image with a tag is pulled once and then used as it is (seed: policy-if-not-present, pre-pulled)", async () => {
    await using proxy = await openRecordingProxy(fixture.registries.publicHost);
    const first = await requestsOf(proxy, { name: "first" });
    const second = await requestsOf(proxy, { name: "second" });
    const never = await requestsOf(proxy, { name: "third", policy: "Never" });
    assert.ok(first.some((request) => request.includes("/manifests/")));
    assert.deepEqual([second, never], [[], []]);
    const [pulled = ""] = await messagesOf(fixture.kubectl, "second", "Pulled");
    assert.match(pulled, /^Container image "127\.0\.0\.1:\d+\/team\/app:v1" already present on machine/);
  });

  test("Always asks the registry each time but fetches no layer twice (seed: policy-always)", async () => {
    await using proxy = await openRecordingProxy(fixture.registries.publicHost);
    await requestsOf(proxy, { name: "always-1", policy: "Always" });
    const again = await requestsOf(proxy, { name: "always-2", policy: "Always" });
    assert.ok(again.some((request) => request.includes("/manifests/v1")));
    assert.deepEqual(
      again.filter((request) => request.includes("/blobs/")),
      [],
    );
    const [pulled = ""] = await messagesOf(fixture.kubectl, "always-2", "Pulled");
    assert.match(pulled, /^Successfully pulled image ".+" in \S+ \(\S+ including waiting\)\. Image size: \d+ bytes\.$/);
  });

  test("the tag decides the default policy (seed: policy-latest, policy-no-tag, policy-query-pod)", async () => {
    const { kubectl, registries } = fixture;
    const repository = `${registries.publicHost}/team/app`;
    const references = [repository, `${repository}:latest`, `${repository}:v1`, `${repository}@${registries.digest}`];
    const containers = references.map((image, index) => ({ name: `c${index}`, image, command: ["true"] }));
    await kubectl.create(podManifest({ name: "defaults", image: repository, spec: { containers } }));
    const query = String.raw`jsonpath={range .spec.containers[*]}{.name}{"\t"}{.imagePullPolicy}{"\n"}{end}`;
    const expected = "c0\tAlways\nc1\tAlways\nc2\tIfNotPresent\nc3\tIfNotPresent\n";
    assert.equal(await kubectl.ok(["get", "pod", "defaults", "-o", query]), expected);
  });

  test("all spellings of an image run the same image (seed: image-syntax)", async () => {
    const { kubectl, registries } = fixture;
    const repository = `${registries.publicHost}/team/app`;
    const spellings = [
      repository,
      `${repository}:v1`,
      `${repository}@${registries.digest}`,
      `${repository}:v1@${registries.digest}`,
      registries.publicImage.replace("127.0.0.1", "localhost"),
    ];
    const containers = spellings.map((image, index) => ({ name: `c${index}`, image, command: ["true"] }));
    await kubectl.create(podManifest({ name: "spellings", image: repository, spec: { containers } }));
    const pod = await waitForPhase(kubectl, "spellings", "Succeeded");
    const digests = pod.status?.containerStatuses?.map((status) => status.imageID.split("@")[1]);
    assert.deepEqual(
      digests,
      spellings.map(() => registries.digest),
    );
  });

  test("one query lists the policies of all pods (seed: policy-query-all)", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.ok(["create", "namespace", "policies"]);
    const sketch = { name: "listed", namespace: "policies", image: registries.publicImage, command: ["true"] };
    await kubectl.create(podManifest({ ...sketch, policy: "Always" }));
    const query = String.raw`jsonpath={range .items[*].spec.containers[*]}{.name}{"\t"}{.imagePullPolicy}{"\n"}{end}`;
    const listed = await kubectl.ok(["get", "pods", "--all-namespaces", "-o", query]);
    const pods = await kubectl.json<{ items: { spec: { containers: object[] } }[] }>(["get", "pods", "-A"]);
    const count = pods.items.reduce((sum, pod) => sum + pod.spec.containers.length, 0);
    assert.match(listed, /^(\S+\t(Always|IfNotPresent|Never)\n)+$/);
    assert.deepEqual([listed.split("\n").length - 1, listed.includes("main\tAlways\n")], [count, true]);
  });

  test("Never does not pull what is absent", async () => {
    const { kubectl, registries } = fixture;
    const image = `${registries.publicHost}/team/app:absent`;
    await kubectl.create(podManifest({ name: "never-absent", image, policy: "Never" }));
    const pod = await waitForReason(kubectl, "never-absent", "ErrImageNeverPull");
    const message = `Container image "${image}" is not present with pull policy of Never`;
    assert.deepEqual(
      [
        mainStatus(pod).state?.waiting?.message,
        pod.status?.phase,
        await messagesOf(kubectl, "never-absent", "ErrImageNeverPull"),
      ],
      [message, "Pending", [message]],
    );
  });

  test("a new image does not change the policy that was defaulted (seed: policy-unchanged)", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(podManifest({ name: "edited", image: registries.publicImage, command: SLEEP }));
    const before = mainStatus(await waitForPhase(kubectl, "edited", "Running"));
    const image = `${registries.publicHost}/team/app:latest`;
    await kubectl.ok(["set", "image", "pod/edited", `main=${image}`]);
    await waitForField(kubectl, "edited", "{.status.containerStatuses[0].restartCount}=1");
    const pod = await podOf(kubectl, "edited");
    assert.deepEqual(
      [pod.spec?.containers[0]?.imagePullPolicy, pod.spec?.containers[0]?.image],
      ["IfNotPresent", image],
    );
    assert.notEqual(mainStatus(pod).containerID, before.containerID);
    assert.deepEqual(await messagesOf(kubectl, "edited", "Killing"), [
      "Container main definition changed, will be restarted",
    ]);
  });
});

describe("the AlwaysPullImages admission", () => {
  test("makes every container pull always (seed: policy-admission)", async () => {
    await using fixture = await openClusterFixture({
      node: false,
      admissionPlugins: ["AlwaysPullImages"],
      registries: false,
    });
    const spec = { initContainers: [{ name: "init", image: "example.com/app:v1", imagePullPolicy: "Never" }] };
    await fixture.kubectl.create(
      podManifest({ name: "forced", image: "example.com/app:v1", policy: "IfNotPresent", spec }),
    );
    const pod = await podOf(fixture.kubectl, "forced");
    assert.deepEqual(
      [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(
        (container) => container.imagePullPolicy,
      ),
      ["Always", "Always"],
    );
  });
});
