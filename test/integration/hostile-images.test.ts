import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { busyboxLayer } from "../../src/testing/busybox-image.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { buildImage, type ImageToBuild } from "../../src/testing/image-builder.ts";
import { pushImage } from "../../src/testing/push-image.ts";
import { requires } from "../../src/testing/requires.ts";
import { podManifest } from "./pod-manifest.ts";
import { waitForField, waitForPhase, waitForReason } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");
const ENV = { Env: ["PATH=/bin"] };

describe("an image from somebody who means harm", { skip, concurrency: true }, () => {
  let fixture: ClusterFixture;
  let busybox: ImageToBuild["layers"][number];
  before(async () => {
    fixture = await openClusterFixture();
    busybox = await busyboxLayer();
  });
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Pushes an image of BusyBox with one more layer, and makes a pod of it. */
  async function createPod(name: string, image: Partial<ImageToBuild>): Promise<void> {
    const { kubectl, registries } = fixture;
    const built = buildImage({ layers: [busybox], config: ENV, ...image });
    await pushImage(built, { host: registries.publicHost, repository: `hostile/${name}`, tag: "v1" });
    await kubectl.create(podManifest({ name, image: `${registries.publicHost}/hostile/${name}:v1` }));
  }

  /** Runs such a pod to its end and returns what it printed. */
  async function outputOf(name: string, image: Partial<ImageToBuild>): Promise<string> {
    await createPod(name, image);
    await waitForPhase(fixture.kubectl, name, "Succeeded");
    return await fixture.kubectl.ok(["logs", name]);
  }

  /** Waits until the container of such a pod cannot be created and returns the message. */
  async function creationError(name: string, image: Partial<ImageToBuild>): Promise<string> {
    await createPod(name, image);
    const pod = await waitForReason(fixture.kubectl, name, "CreateContainerError");
    return pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
  }

  test("with links in place of /dev, /proc and /sys sees the container's own", async () => {
    const links = { dev: { linkTo: "/bin" }, proc: { linkTo: "../../../../etc" }, sys: { linkTo: "/tmp" } };
    const config = {
      ...ENV,
      Cmd: ["sh", "-c", "test -c /dev/null && cat /proc/self/comm && test -d /sys/class && echo sys"],
    };
    assert.equal(await outputOf("links", { layers: [busybox, links], config }), "cat\nsys\n");
  });

  test("with a link in place of /etc does not reach the host's", async () => {
    const config = { ...ENV, Cmd: ["sh", "-c", "cat /etc/hosts; ls /tmp"] };
    const printed = await outputOf("etc-link", {
      layers: [busybox, { etc: { linkTo: "../../../../../../tmp" } }],
      config,
    });
    assert.match(printed, /^# Kubernetes-managed hosts file\./);
    assert.equal(existsSync("/tmp/hosts"), false);
  });

  test("with its own files where the kubelet's are mounted gets the kubelet's", async () => {
    const layer = {
      "etc/": {},
      "etc/hosts": { linkTo: "/etc/../../../../etc/passwd" },
      "dev/": {},
      "dev/termination-log": { linkTo: "/etc/hostname" },
    };
    const config = { ...ENV, Cmd: ["sh", "-c", "tail -n 1 /etc/hosts | cut -f 2; wc -c < /dev/termination-log"] };
    assert.equal(await outputOf("mounted", { layers: [busybox, layer], config }), "mounted\n0\n");
  });

  test("cannot name a descriptor of the runtime as its working directory", async () => {
    const message = await creationError("descriptor", {
      config: { ...ENV, WorkingDir: "/proc/self/fd/7", Cmd: ["pwd"] },
    });
    assert.match(message, /working directory "\/proc\/self\/fd\/7"/);
  });

  test("gets a working directory that it lacks", async () => {
    assert.equal(await outputOf("directory", { config: { ...ENV, WorkingDir: "/a/b", Cmd: ["pwd"] } }), "/a/b\n");
  });

  for (const [name, user] of [
    ["unknown", "nosuch"],
    ["huge", "4294967296"],
    ["negative", "-1"],
  ] as const) {
    test(`with the ${name} user ${user} is refused and the user named`, async () => {
      assert.match(
        await creationError(`user-${name}`, { config: { ...ENV, User: user, Cmd: ["id"] } }),
        new RegExp(user),
      );
    });
  }

  test("with a link to another process's memory as /etc/passwd learns nothing from it", async () => {
    const layer = { "etc/": {}, "etc/passwd": { linkTo: "/proc/1/environ" } };
    const message = await creationError("passwd", {
      layers: [busybox, layer],
      config: { ...ENV, User: "root", Cmd: ["id"] },
    });
    assert.equal(message, 'Cannot run as the user "root": "/etc/passwd" of the image has no such user');
  });

  test("with a path that climbs writes nothing outside its layer", async () => {
    const climbing = [{ name: "../../../../../../tmp/berth-escaped", content: "x" }];
    await createPod("climbs", { layers: [busybox, climbing], config: { ...ENV, Cmd: ["true"] } });
    await waitForField(fixture.kubectl, "climbs", '{.status.conditions[?(@.type=="PodScheduled")].status}=True');
    const settled = "{.status.containerStatuses[0].state}";
    await fixture.kubectl.ok(["wait", "pod/climbs", `--for=jsonpath=${settled}`, "--timeout=20s"]);
    await outputOf("after-climb", { config: { ...ENV, Cmd: ["true"] } });
    assert.equal(existsSync("/tmp/berth-escaped"), false);
  });

  test("for another machine is refused and both platforms named", async () => {
    await createPod("foreign", { platform: { os: "linux", architecture: "s390x" } });
    const pod = await waitForReason(fixture.kubectl, "foreign", "ImagePullBackOff");
    const message = pod.status?.containerStatuses?.[0]?.state?.waiting?.message ?? "";
    assert.match(message, /no match for platform linux\/(amd64|arm64).*linux\/s390x/);
  });

  test("without a command is refused", async () => {
    assert.match(await creationError("commandless", { config: ENV }), /no command specified/);
  });

  test("compressed by zstd, or as Docker writes it, runs like any other", async () => {
    const config = { ...ENV, Cmd: ["echo", "ran"] };
    const printed = [
      await outputOf("zstd", { config, compression: "zstd" }),
      await outputOf("docker", { config, isDocker: true }),
    ];
    assert.deepEqual(printed, ["ran\n", "ran\n"]);
  });
});
