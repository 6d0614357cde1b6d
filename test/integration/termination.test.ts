import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { containersWithEnvironment, pidsWithEnvironment } from "./host-processes.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { mainStatus, messagesOf, waitForField, waitForPhase } from "./pod-state.ts";

const skip = requires("root", "docker-registry", "busybox-static");

describe("termination", { skip, concurrency: true }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Starts a pod that runs `script` and waits until it has printed its first line. */
  async function started(name: string, script: string, seconds: number): Promise<string> {
    const { kubectl, registries } = fixture;
    const mark = `MARK=${name}-${Math.random()}`;
    const [variable = "", value = ""] = mark.split("=");
    await kubectl.create(
      podManifest({
        name,
        image: registries.publicImage,
        command: ["sh", "-c", script],
        container: { env: [{ name: variable, value }] },
        spec: { terminationGracePeriodSeconds: seconds },
      }),
    );
    await waitForPhase(kubectl, name, "Running");
    await waitUntil("the first line", async () => (await kubectl.ok(["logs", name])) !== "");
    return mark;
  }

  /** Deletes the pod, waits until it is gone, and returns how many milliseconds that took. */
  async function deletionTime(name: string, ...flags: string[]): Promise<number> {
    const start = performance.now();
    await fixture.kubectl.ok(["delete", "pod", name, ...flags]);
    return performance.now() - start;
  }

  test("a process that heeds SIGTERM ends at once and gets to say good-bye", async () => {
    const { kubectl } = fixture;
    const mark = await started("polite", "trap 'echo bye; exit 0' TERM; echo hello; while :; do sleep 0.1; done", 30);
    await using logs = kubectl.start(["logs", "-f", "polite"]);
    await waitUntil("the stream", () => logs.output() === "hello\n");
    const time = await deletionTime("polite");
    await waitUntil("the last words", () => logs.output() === "hello\nbye\n");
    assert.ok(time < 5_000, `took ${time} ms`);
    assert.deepEqual(pidsWithEnvironment(mark), []);
    assert.deepEqual(await messagesOf(kubectl, "polite", "Killing"), ["Stopping container main"]);
  });

  test("a process that ignores SIGTERM is killed when its grace period is over", async () => {
    const mark = await started("stubborn", "trap '' TERM; echo hello; while :; do sleep 0.1; done", 3);
    const time = await deletionTime("stubborn");
    assert.ok(time >= 2_900 && time < 8_000, `took ${time} ms`);
    assert.deepEqual(pidsWithEnvironment(mark), []);
  });

  test("while it ends the pod is shown as Terminating", async () => {
    const { kubectl } = fixture;
    await started("ending", "trap '' TERM; echo hello; while :; do sleep 0.1; done", 5);
    await kubectl.ok(["delete", "pod", "ending", "--wait=false"]);
    assert.match(await kubectl.ok(["get", "pod", "ending"]), /ending +1\/1 +Terminating +0/);
    await kubectl.ok(["wait", "pod/ending", "--for=delete", "--timeout=20s"]);
  });

  test("a shorter grace period given later is honoured", async () => {
    const { kubectl } = fixture;
    await started("hurried", "trap '' TERM; echo hello; while :; do sleep 0.1; done", 300);
    await kubectl.ok(["delete", "pod", "hurried", "--wait=false"]);
    const time = await deletionTime("hurried", "--grace-period=2");
    assert.ok(time < 10_000, `took ${time} ms`);
  });

  test("deletion by force leaves no process either", async () => {
    const mark = await started("forced", "trap '' TERM; echo hello; while :; do sleep 0.1; done", 300);
    const time = await deletionTime("forced", "--force", "--grace-period=0");
    assert.ok(time < 5_000, `took ${time} ms`);
    await waitUntil("the end of the process", () => pidsWithEnvironment(mark).length === 0, { timeoutMs: 10_000 });
  });

  test("the image's stop signal is the one that is sent", async () => {
    const { kubectl, registries } = fixture;
    const image = await registries.pushVariant("stopsignal/app", { StopSignal: "SIGUSR1" });
    const script =
      "trap 'echo usr1; exit 0' USR1; trap 'echo term; exit 0' TERM; echo hello; while :; do sleep 0.1; done";
    await kubectl.create(podManifest({ name: "stop-signal", image, command: ["sh", "-c", script] }));
    await waitForPhase(kubectl, "stop-signal", "Running");
    await using logs = kubectl.start(["logs", "-f", "stop-signal"]);
    await waitUntil("the stream", () => logs.output() === "hello\n");
    await kubectl.ok(["delete", "pod", "stop-signal"]);
    await waitUntil("the last words", () => logs.output() === "hello\nusr1\n");
  });

  test("a container killed from outside is reported with the signal's exit code", async () => {
    const { kubectl, registries } = fixture;
    const env = [{ name: "MARK", value: "killed-from-outside" }];
    const sketch = { name: "killed", image: registries.publicImage, command: SLEEP, container: { env } };
    await kubectl.create(podManifest(sketch));
    await waitForPhase(kubectl, "killed", "Running");
    const pids = await waitUntil("its process", () => {
      const found = containersWithEnvironment("MARK=killed-from-outside");
      return found.length > 0 && found;
    });
    for (const pid of pids) process.kill(pid, "SIGKILL");
    const pod = await waitForPhase(kubectl, "killed", "Failed");
    assert.deepEqual(
      [mainStatus(pod).state?.terminated?.exitCode, mainStatus(pod).state?.terminated?.reason],
      [137, "Error"],
    );
  });

  test("a namespace takes its pods with it", async () => {
    const { kubectl, registries } = fixture;
    await kubectl.ok(["create", "namespace", "doomed"]);
    const sketch = { name: "inside", namespace: "doomed", image: registries.publicImage, command: SLEEP };
    await kubectl.create(podManifest(sketch));
    await waitForField(kubectl, "inside", "{.status.phase}=Running", { namespace: "doomed" });
    await kubectl.ok(["delete", "namespace", "doomed", "--timeout=30s"]);
    const { stderr } = await kubectl.run(["get", "pod", "inside", "-n", "doomed"]);
    assert.equal(stderr, 'Error from server (NotFound): namespaces "doomed" not found\n');
  });
});
