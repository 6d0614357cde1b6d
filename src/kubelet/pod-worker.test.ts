import assert from "node:assert/strict";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { PodStatus } from "../api/core-v1.gen.ts";
import { CONFIG_MAPS } from "../api/resource-types.ts";
import { CriError } from "../cri/cri-error.ts";
import { container, NodeFixture } from "./testing/node-fixture.ts";

function conditionsOf({ conditions }: PodStatus): unknown {
  return Object.fromEntries((conditions ?? []).map(({ type, status }) => [type, status]));
}

function waitingReason({ containerStatuses }: PodStatus): string | undefined {
  return containerStatuses?.[0]?.state?.waiting?.reason;
}

/** Every waiting state that was sent to the API. */
function sentWaiting({ client }: NodeFixture): readonly string[] {
  const statuses = client.patches.map(({ patch }) => patch["status"] as PodStatus);
  return statuses.flatMap(({ containerStatuses = [] }) =>
    containerStatuses.map(({ state }) => `${state?.waiting?.reason} ${state?.waiting?.message}`),
  );
}

test("a pod is started and its status tells everything", async () => {
  await using node = await NodeFixture.open();
  node.addPod("web", {});
  const status = await node.until("web", ({ phase }) => phase === "Running");
  assert.deepEqual(
    [status.podIP, status.podIPs, status.hostIP, status.qosClass],
    ["10.0.0.1", [{ ip: "10.0.0.1" }], "192.168.0.1", "BestEffort"],
  );
  assert.deepEqual(conditionsOf(status), {
    PodReadyToStartContainers: "True",
    Initialized: "True",
    Ready: "True",
    ContainersReady: "True",
    PodScheduled: "True",
  });
  const [main] = status.containerStatuses ?? [];
  assert.deepEqual(main, {
    name: "main",
    state: { running: { startedAt: "2026-01-01T00:00:00Z" } },
    lastState: {},
    ready: true,
    restartCount: 0,
    image: "r.io/main:1",
    imageID: "r.io/main:1@sha256:0",
    containerID: "memory://main-2",
    started: true,
  });
  assert.deepEqual(
    node.events.map((event) => event.replace(/in 0s \(0s including waiting\)/, "in T")),
    [
      'Normal Pulling spec.containers{main} Pulling image "r.io/main:1"',
      'Normal Pulled spec.containers{main} Successfully pulled image "r.io/main:1" in T. Image size: 1234 bytes.',
      "Normal Created spec.containers{main} Container created",
      "Normal Started spec.containers{main} Container started",
    ],
  );
});

test("a container that keeps failing restarts at once, then waits longer each time", async () => {
  await using node = await NodeFixture.open();
  node.addPod("crash", {});
  await node.until("crash", ({ phase }) => phase === "Running");
  node.runtime.exit("main", 1);
  const restarted = await node.until("crash", ({ containerStatuses }) => containerStatuses?.[0]?.restartCount === 1);
  assert.equal(restarted.containerStatuses?.[0]?.lastState?.terminated?.exitCode, 1);
  await node.until("crash", ({ containerStatuses }) => containerStatuses?.[0]?.state?.running !== undefined);
  node.runtime.exit("main", 2);
  const waiting = await node.until("crash", (status) => waitingReason(status) === "CrashLoopBackOff");
  const [status] = waiting.containerStatuses ?? [];
  assert.equal(
    status?.state?.waiting?.message,
    "back-off 10s restarting failed container=main pod=crash_default(uid-crash)",
  );
  assert.deepEqual([status?.lastState?.terminated?.exitCode, status?.restartCount, status?.ready], [2, 1, false]);
  assert.equal(waiting.phase, "Running");
  assert.ok(
    node.events.includes(
      "Warning BackOff spec.containers{main} Back-off restarting failed container main in pod crash_default(uid-crash)",
    ),
  );
  node.clock.advance(10_000);
  await node.until("crash", ({ containerStatuses }) => containerStatuses?.[0]?.restartCount === 2);
});

test("only the last container before the running one is kept", async () => {
  await using node = await NodeFixture.open();
  node.addPod("crash", {});
  for (let restarts = 0; restarts < 4; restarts++) {
    await node.until("crash", ({ containerStatuses }) => {
      const [main] = containerStatuses ?? [];
      return main?.restartCount === restarts && main.state?.running !== undefined;
    });
    node.runtime.exit("main", 1);
    await node.until(
      "crash",
      (status) => waitingReason(status) !== undefined || status.containerStatuses?.[0]?.restartCount !== restarts,
    );
    node.clock.advance(301_000);
  }
  await node.until("crash", ({ containerStatuses }) => containerStatuses?.[0]?.restartCount === 4);
  const created = node.runtime.calls.filter((call) => call.startsWith("createContainer")).length;
  const removed = node.runtime.calls.filter((call) => call.startsWith("removeContainer")).length;
  assert.deepEqual([created, removed], [5, 3]);
});

test("a pod that must not restart succeeds or fails by its exit codes and its sandbox is stopped", async () => {
  for (const [exitCode, phase] of [
    [0, "Succeeded"],
    [3, "Failed"],
  ] as const) {
    await using node = await NodeFixture.open();
    node.addPod("once", { restartPolicy: "Never" });
    await node.until("once", (status) => status.phase === "Running");
    node.runtime.exit("main", exitCode);
    const status = await node.until("once", (now) => now.phase === phase);
    assert.equal(status.containerStatuses?.[0]?.state?.terminated?.exitCode, exitCode);
    await node.untilTrue(() => node.runtime.calls.some((call) => call.startsWith("stopPodSandbox")));
    assert.deepEqual(node.runtime.calls.filter((call) => call.startsWith("createContainer")).length, 1);
  }
});

test("init containers run one after another before the others, and a failing one is tried again", async () => {
  await using node = await NodeFixture.open();
  node.addPod("staged", { initContainers: [container("first"), container("second")] });
  const init = await node.until(
    "staged",
    ({ initContainerStatuses }) => initContainerStatuses?.[0]?.state?.running !== undefined,
  );
  assert.equal(init.phase, "Pending");
  assert.equal(waitingReason(init), "PodInitializing");
  node.runtime.exit("first", 0);
  await node.until("staged", ({ initContainerStatuses }) => initContainerStatuses?.[1]?.state?.running !== undefined);
  node.runtime.exit("second", 1);
  await node.until("staged", ({ initContainerStatuses }) => initContainerStatuses?.[1]?.restartCount === 1);
  await node.until("staged", ({ initContainerStatuses }) => initContainerStatuses?.[1]?.state?.running !== undefined);
  node.runtime.exit("second", 0);
  const running = await node.until("staged", ({ phase }) => phase === "Running");
  assert.deepEqual(
    running.initContainerStatuses?.map(({ ready }) => ready),
    [true, true],
  );
  const starts = node.runtime.calls.filter((call) => call.startsWith("startContainer"));
  assert.deepEqual(
    starts,
    ["first", "second", "second", "main"].map((name) => `startContainer ${name}`),
  );
});

test("a failing init container fails a pod that must not restart", async () => {
  await using node = await NodeFixture.open();
  node.addPod("staged", { restartPolicy: "Never", initContainers: [container("first")] });
  await node.until("staged", ({ initContainerStatuses }) => initContainerStatuses?.[0]?.state?.running !== undefined);
  node.runtime.exit("first", 1);
  await node.until("staged", ({ phase }) => phase === "Failed");
  assert.ok(!node.runtime.calls.includes("startContainer main"));
});

test("a sidecar is started before the next init container and restarts whatever the policy", async () => {
  await using node = await NodeFixture.open();
  const sidecar = container("proxy", { restartPolicy: "Always" });
  node.addPod("meshed", { restartPolicy: "Never", initContainers: [sidecar, container("setup")] });
  await node.until("meshed", ({ initContainerStatuses }) => initContainerStatuses?.[1]?.state?.running !== undefined);
  node.runtime.exit("setup", 0);
  await node.until("meshed", ({ phase }) => phase === "Running");
  node.runtime.exit("proxy", 1);
  await node.until("meshed", ({ initContainerStatuses }) => initContainerStatuses?.[0]?.restartCount === 1);
  node.runtime.exit("main", 0);
  await node.until("meshed", ({ phase }) => phase === "Succeeded");
});

test("a deleted pod ends with its grace, and its object goes last", async () => {
  await using node = await NodeFixture.open();
  const pod = node.addPod("gone", { terminationGracePeriodSeconds: 7 });
  await node.until("gone", ({ phase }) => phase === "Running");
  await stat(join(node.rootDir, "pods", "uid-gone"));
  node.deletePod(pod, 7);
  await node.untilTrue(() => !node.workers.has("uid-gone"));
  assert.ok(node.runtime.calls.includes("stopContainer main 7"));
  assert.ok(node.events.includes("Normal Killing spec.containers{main} Stopping container main"));
  assert.deepEqual(node.client.deletions, ["/api/v1/namespaces/default/pods/gone"]);
  assert.deepEqual(await readdir(join(node.rootDir, "pods")), []);
  assert.deepEqual([await node.runtime.listContainers(), await node.runtime.listPodSandbox()], [[], []]);
});

test("a deletion by force still gives two seconds", async () => {
  await using node = await NodeFixture.open();
  const pod = node.addPod("gone", {});
  await node.until("gone", ({ phase }) => phase === "Running");
  node.deletePod(pod, 0);
  await node.untilTrue(() => !node.workers.has("uid-gone"));
  assert.ok(node.runtime.calls.includes("stopContainer main 2"));
});

test("a pod whose object is gone at once gets no more than two seconds, and nobody is told", async () => {
  await using node = await NodeFixture.open();
  node.addPod("gone", { terminationGracePeriodSeconds: 300 });
  await node.until("gone", ({ phase }) => phase === "Running");
  node.workers.remove("uid-gone");
  await node.untilTrue(() => !node.workers.has("uid-gone"));
  assert.ok(node.runtime.calls.includes("stopContainer main 2"));
  assert.deepEqual(node.client.deletions, []);
});

test("a deletion interrupts a pull", async () => {
  await using node = await NodeFixture.open();
  const pulling = Promise.withResolvers<AbortSignal>();
  node.images.pullImage = (_, signal) => {
    pulling.resolve(signal ?? AbortSignal.abort());
    return new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
  };
  const pod = node.addPod("slow", {});
  const signal = await pulling.promise;
  node.deletePod(pod);
  await node.untilTrue(() => !node.workers.has("uid-slow"));
  assert.ok(signal.aborted);
  assert.ok(!node.events.some((event) => event.includes("Failed")));
});

test("a kubelet that starts anew takes up what runs and tells what ended meanwhile", async () => {
  await using node = await NodeFixture.open();
  const containers = [container("stays"), container("ends")];
  const pod = node.addPod("kept", { restartPolicy: "Never", containers });
  const before = await node.until("kept", ({ phase }) => phase === "Running");
  await node.restart();
  node.runtime.exit("ends", 9);
  node.addPod("kept", { restartPolicy: "Never", containers: pod.spec?.containers ?? [] }, before);
  const after = await node.until(
    "kept",
    ({ containerStatuses }) => containerStatuses?.[1]?.state?.terminated !== undefined,
  );
  assert.equal(after.containerStatuses?.[1]?.state?.terminated?.exitCode, 9);
  assert.deepEqual(after.containerStatuses?.[0], before.containerStatuses?.[0]);
  assert.equal(node.runtime.calls.filter((call) => call.startsWith("startContainer")).length, 2);
});

test("containers lost in a reboot start again and say that nobody saw them end", async () => {
  await using node = await NodeFixture.open();
  node.addPod("lost", {});
  const before = await node.until("lost", ({ phase }) => phase === "Running");
  await node.restart();
  node.runtime.forgetAll();
  // The log of the first run is still there: its number is taken.
  await mkdir(join(node.rootDir, "logs", "default_lost_uid-lost", "main"), { recursive: true });
  await writeFile(join(node.rootDir, "logs", "default_lost_uid-lost", "main", "0.log"), "");
  node.addPod("lost", {}, before);
  const after = await node.until("lost", ({ containerStatuses }) => {
    const [main] = containerStatuses ?? [];
    return main?.restartCount === 1 && main.state?.running !== undefined;
  });
  const terminated = after.containerStatuses?.[0]?.lastState?.terminated;
  assert.deepEqual([terminated?.reason, terminated?.exitCode], ["ContainerStatusUnknown", 137]);
});

test("a container lost from a pod that must not restart fails the pod", async () => {
  await using node = await NodeFixture.open();
  node.addPod("lost", { restartPolicy: "Never" });
  const before = await node.until("lost", ({ phase }) => phase === "Running");
  await node.restart();
  node.runtime.forgetAll();
  node.addPod("lost", { restartPolicy: "Never" }, before);
  const after = await node.until("lost", ({ phase }) => phase === "Failed");
  assert.equal(after.containerStatuses?.[0]?.state?.terminated?.reason, "ContainerStatusUnknown");
  assert.equal(node.runtime.calls.filter((call) => call.startsWith("startContainer")).length, 1);
});

test("a changed image restarts the container whatever the policy, another changed field does not", async () => {
  await using node = await NodeFixture.open();
  const pod = node.addPod("edited", {});
  await node.until("edited", ({ phase }) => phase === "Running");
  node.addPod("edited", { ...pod.spec, activeDeadlineSeconds: 1000 });
  node.addPod("edited", { ...pod.spec, containers: [container("main", { image: "r.io/other:2" })] });
  await node.until("edited", ({ containerStatuses }) => containerStatuses?.[0]?.image === "r.io/other:2");
  assert.ok(
    node.events.includes("Normal Killing spec.containers{main} Container main definition changed, will be restarted"),
  );
  assert.equal(node.runtime.calls.filter((call) => call.startsWith("startContainer")).length, 2);
});

test("a pod that must not restart goes on after its image was changed", async () => {
  await using node = await NodeFixture.open();
  const pod = node.addPod("edited", { restartPolicy: "Never" });
  await node.until("edited", ({ phase }) => phase === "Running");
  // Slow enough that the status is computed while the container is down.
  const release = Promise.withResolvers<void>();
  const pull = node.images.pullImage.bind(node.images);
  node.images.pullImage = async (request) => {
    await release.promise;
    return await pull(request);
  };
  node.runtime.stopExitCode = 0;
  node.addPod("edited", { ...pod.spec, containers: [container("main", { image: "r.io/other:2" })] });
  await node.until("edited", ({ containerStatuses }) => containerStatuses?.[0]?.state?.terminated !== undefined);
  release.resolve();
  await node.until("edited", ({ containerStatuses }) => containerStatuses?.[0]?.image === "r.io/other:2");
  const phases = node.client.patches.flatMap(({ patch }) => (patch["status"] as PodStatus).phase ?? []);
  assert.deepEqual(phases, ["Pending", "Running"]);
  node.runtime.exit("main", 0);
  await node.until("edited", ({ phase }) => phase === "Succeeded");
});

test("a missing ConfigMap keeps the container waiting with its name until it is there", async () => {
  await using node = await NodeFixture.open();
  const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "settings", key: "a" } } }];
  node.addPod("needy", { containers: [container("main", { env })] });
  const status = await node.until("needy", (now) => waitingReason(now) === "CreateContainerConfigError");
  assert.equal(status.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "settings" not found');
  assert.ok(node.events.includes('Warning Failed spec.containers{main} Error: configmap "settings" not found'));
  node.client.put(CONFIG_MAPS, { metadata: { namespace: "default", name: "settings" }, data: { a: "1" } });
  node.clock.advance(15_000);
  await node.until("needy", ({ phase }) => phase === "Running");
});

test("a missing volume keeps the pod from starting and is told as FailedMount", async () => {
  await using node = await NodeFixture.open();
  const volumes = [{ name: "v", configMap: { name: "absent" } }];
  node.addPod("needy", { volumes });
  await node.untilTrue(() => node.events.length > 0);
  assert.deepEqual(node.events, [
    'Warning FailedMount MountVolume.SetUp failed for volume "v" : configmap "absent" not found',
  ]);
  assert.equal(waitingReason(await node.until("needy", ({ phase }) => phase === "Pending")), "ContainerCreating");
});

test("a sandbox that cannot be made is told and tried again", async () => {
  await using node = await NodeFixture.open();
  node.runtime.failures.set("runPodSandbox", new CriError("INTERNAL", "no addresses left"));
  node.addPod("web", {});
  await node.untilTrue(() => node.events.length > 0);
  assert.deepEqual(node.events, ["Warning FailedCreatePodSandBox Failed to create pod sandbox: no addresses left"]);
  node.clock.advance(15_000);
  await node.until("web", ({ phase }) => phase === "Running");
});

test("a pod past its deadline fails", async () => {
  await using node = await NodeFixture.open();
  node.addPod("late", { activeDeadlineSeconds: 5 });
  await node.until("late", ({ phase }) => phase === "Running");
  node.clock.advance(6_000);
  const status = await node.until("late", ({ phase }) => phase === "Failed");
  assert.deepEqual(
    [status.reason, status.message],
    ["DeadlineExceeded", "Pod was active on the node longer than the specified deadline"],
  );
});

test("a failing postStart hook ends the container, shows its output in the status and not in events", async () => {
  await using node = await NodeFixture.open();
  const lifecycle = { postStart: { exec: { command: ["false", "x"] } } };
  node.addPod("hooked", { containers: [container("main", { lifecycle })] });
  const message = `Exec lifecycle hook ([false x]) for Container "main" in Pod "hooked_default(uid-hooked)" failed - error: command 'false x' exited with 1: said, message: "said"`;
  await node.untilTrue(() => sentWaiting(node).includes(`PostStartHookError ${message}`));
  assert.ok(node.events.includes("Warning FailedPostStartHook spec.containers{main} PostStartHook failed"));
  assert.ok(node.events.includes("Normal Killing spec.containers{main} FailedPostStartHook"));
  assert.ok(!node.events.some((event) => event.includes("said")));
});

test("a preStop hook runs before the stop signal", async () => {
  await using node = await NodeFixture.open();
  const lifecycle = { preStop: { exec: { command: ["bye"] } } };
  const pod = node.addPod("hooked", { containers: [container("main", { lifecycle })] });
  await node.until("hooked", ({ phase }) => phase === "Running");
  node.deletePod(pod, 30);
  await node.untilTrue(() => !node.workers.has("uid-hooked"));
  const calls = node.runtime.calls.filter((call) => /^(execSync|stopContainer)/.test(call));
  assert.deepEqual(calls, ["execSync bye", "stopContainer main 30"]);
});
