import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { podManifest } from "./pod-manifest.ts";
import { mainStatus, messagesOf, podOf, waitForField, waitForPhase, waitForReason } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");

describe("restart policy", { skip, concurrency: true }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  test("a container that keeps failing is restarted, then backs off, its last logs kept", async () => {
    const { kubectl, registries } = fixture;
    const command = ["sh", "-c", "echo run; exit 3"];
    await kubectl.create(
      podManifest({ name: "crashing", image: registries.publicImage, command, restartPolicy: "Always" }),
    );
    const pod = await waitForReason(kubectl, "crashing", "CrashLoopBackOff");
    const status = mainStatus(pod);
    const uid = pod.metadata?.uid;
    assert.deepEqual(
      [status.lastState?.terminated?.exitCode, status.lastState?.terminated?.reason, status.ready, pod.status?.phase],
      [3, "Error", false, "Running"],
    );
    assert.match(
      status.state?.waiting?.message ?? "",
      new RegExp(`^back-off \\d+s restarting failed container=main pod=crashing_default\\(${uid}\\)$`),
    );
    const table = await kubectl.ok(["get", "pod", "crashing"]);
    assert.match(table, /crashing +0\/1 +CrashLoopBackOff +\d+( \(\S+ ago\))? +\S+/);
    assert.deepEqual(await messagesOf(kubectl, "crashing", "BackOff"), [
      `Back-off restarting failed container main in pod crashing_default(${uid})`,
    ]);
    assert.equal(await kubectl.ok(["logs", "crashing", "--previous"]), "run\n");
  });

  test("the back-off doubles: a third start comes no sooner than 10 s after the second end", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(
      podManifest({ name: "doubling", image: registries.publicImage, command: ["false"], restartPolicy: "Always" }),
    );
    await waitForField(kubectl, "doubling", "{.status.containerStatuses[0].restartCount}=1");
    const ended = await waitForReason(kubectl, "doubling", "CrashLoopBackOff");
    const finishedAt = Date.parse(mainStatus(ended).lastState?.terminated?.finishedAt ?? "");
    const startedAt = await waitUntil("the third start", async () => {
      const { state, lastState } = mainStatus(await podOf(kubectl, "doubling"));
      const starts = [state?.running, state?.terminated, lastState?.terminated].map((run) => run?.startedAt ?? "");
      return starts.map((start) => Date.parse(start)).find((start) => start > finishedAt);
    });
    const wait = startedAt - finishedAt;
    assert.ok(wait >= 9_000 && wait <= 16_000, `waited ${wait} ms`);
  });

  test("OnFailure restarts a failure and leaves a success", async () => {
    const { kubectl, registries } = fixture;
    const script = "if test -e /state/ran; then echo second; else touch /state/ran; exit 1; fi";
    await kubectl.create(
      podManifest({
        name: "on-failure",
        image: registries.publicImage,
        command: ["sh", "-c", script],
        restartPolicy: "OnFailure",
        container: { volumeMounts: [{ name: "state", mountPath: "/state" }] },
        spec: { volumes: [{ name: "state", emptyDir: {} }] },
      }),
    );
    const pod = await waitForPhase(kubectl, "on-failure", "Succeeded");
    assert.deepEqual(
      [
        mainStatus(pod).restartCount,
        mainStatus(pod).state?.terminated?.reason,
        await kubectl.ok(["logs", "on-failure"]),
      ],
      [1, "Completed", "second\n"],
    );
  });

  test("Never leaves a failure and reports its exit code", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(
      podManifest({ name: "never", image: registries.publicImage, command: ["sh", "-c", "exit 42"] }),
    );
    const pod = await waitForPhase(kubectl, "never", "Failed");
    assert.deepEqual(
      [
        mainStatus(pod).restartCount,
        mainStatus(pod).state?.terminated?.exitCode,
        mainStatus(pod).state?.terminated?.reason,
      ],
      [0, 42, "Error"],
    );
    assert.match(await kubectl.ok(["get", "pod", "never"]), /never +0\/1 +Error +0 +\S+/);
  });

  test("init containers run one after another before the others", async () => {
    const { kubectl, registries } = fixture;
    const image = registries.publicImage;
    const volumeMounts = [{ name: "order", mountPath: "/order" }];
    const step = (name: string) => ({ name, image, command: ["sh", "-c", `echo ${name} >> /order/log`], volumeMounts });
    const main = { name: "main", image, command: ["cat", "/order/log"], volumeMounts };
    const spec = {
      initContainers: [step("one"), step("two")],
      containers: [main],
      volumes: [{ name: "order", emptyDir: {} }],
    };
    await kubectl.create(podManifest({ name: "init", image, spec }));
    await waitForPhase(kubectl, "init", "Succeeded");
    assert.equal(await kubectl.ok(["logs", "init"]), "one\ntwo\n");
  });

  test("a failing init container keeps the others from starting", async () => {
    const { kubectl, registries } = fixture;
    const image = registries.publicImage;
    const spec = { initContainers: [{ name: "broken", image, command: ["false"] }] };
    await kubectl.create(podManifest({ name: "init-fails", image, command: ["true"], spec }));
    const pod = await waitForPhase(kubectl, "init-fails", "Failed");
    assert.equal(mainStatus(pod).state?.waiting?.reason, "PodInitializing");
    const table = await waitUntil("the status column", async () => await kubectl.ok(["get", "pod", "init-fails"]));
    assert.match(table, /init-fails +0\/1 +Init:Error +0 +\S+/);
  });

  test("a command that is not there is a start error that names it", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.create(
      podManifest({ name: "no-command", image: registries.publicImage, command: ["no-such-command"] }),
    );
    const pod = await waitUntil("the failed start", async () => {
      const found = await podOf(kubectl, "no-command");
      const { state } = mainStatus(found);
      return (state?.waiting?.reason === "RunContainerError" || state?.terminated?.reason === "StartError") && found;
    });
    const { state } = mainStatus(pod);
    assert.match(state?.waiting?.message ?? state?.terminated?.message ?? "", /no-such-command/);
  });
});
