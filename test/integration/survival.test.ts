import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Pod } from "../../src/api/core-v1.gen.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { containersWithEnvironment, isRunning, killNow, pidsOfProgram } from "./host-processes.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { eventsOf, mainStatus, podOf, waitForField, waitForPhase } from "./pod-state.ts";

type Role = "node" | "control";

const skip = requires("root", "docker-registry", "busybox-static");

describe("survival", { skip }, () => {
  let fixture: ClusterFixture;
  before(async () => void (fixture = await openClusterFixture()));
  after(async () => await fixture[Symbol.asyncDispose]());

  /** Starts a pod and returns it with the id of its first process, found by a variable that only they have. */
  async function runningPod(name: string, command: readonly string[]): Promise<{ pod: Pod; pids: number[] }> {
    const mark = `${name}-${process.pid}`;
    const container = { env: [{ name: "SURVIVAL_MARK", value: mark }] };
    await fixture.kubectl.create(podManifest({ name, image: fixture.registries.publicImage, command, container }));
    const pod = await waitForPhase(fixture.kubectl, name, "Running");
    const pids = await waitUntil("its process", () => {
      const found = containersWithEnvironment(`SURVIVAL_MARK=${mark}`);
      return found.length > 0 && found;
    });
    return { pod, pids };
  }

  /** Kills roles without warning and waits until each runs again as another process and the cluster is ready. */
  async function killRoles(...roles: readonly Role[]): Promise<void> {
    const { cluster } = fixture;
    const before = cluster.status().pids;
    for (const role of roles) killNow(before[role]);
    await waitUntil(`${roles.join(" and ")} to run again`, () => {
      const status = cluster.status();
      return (
        status.ready && roles.every((role) => status.pids[role] !== undefined && status.pids[role] !== before[role])
      );
    });
  }

  for (const roles of [["node"], ["control"], ["node", "control"]] as const) {
    const name = `survives-${roles.join("-")}`;
    test(`kill -9 of ${roles.join(" and ")} leaves containers, their logs and their state alone`, async () => {
      const { kubectl } = fixture;
      const counter = ["sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"];
      const { pod, pids } = await runningPod(name, counter);
      await killRoles(...roles);
      const nodeReady = "--for=condition=Ready";
      await kubectl.ok(["wait", "nodes", "--all", nodeReady, "--timeout=30s"]);
      const later = await podOf(kubectl, name);
      assert.deepEqual(pids.filter(isRunning), pids);
      assert.deepEqual(identityOf(later), identityOf(pod));
      const lines = (await kubectl.ok(["logs", name])).trimEnd().split("\n");
      assert.deepEqual(
        lines,
        Array.from(lines, (_, index) => String(index + 1)),
      );
      const more = await waitUntil("more lines", async () => {
        const text = await kubectl.ok(["logs", name]);
        return text.trimEnd().split("\n").length > lines.length + 3;
      });
      assert.equal(more, true);
      await kubectl.ok(["delete", "pod", name, "--now"]);
      assert.deepEqual(pids.filter(isRunning), []);
    });
  }

  test("what ended while nobody watched is reported with its exit code and its last words", async () => {
    const { kubectl, cluster } = fixture;
    const command = ["sh", "-c", "while ! test -e /proc/1/root/end; do sleep 0.05; done; echo last words; exit 7"];
    const { pids } = await runningPod("ends-unwatched", command);
    const shell = pids[0] ?? 0;
    const before = cluster.status().pids;
    killNow(before.node);
    killNow(before.control);
    const { writeFileSync } = await import("node:fs");
    writeFileSync(`/proc/${shell}/root/end`, "");
    const pod = await waitUntil("the pod's end to be known", async () => {
      const found = await podOf(kubectl, "ends-unwatched");
      return found.status?.phase === "Failed" && found;
    });
    assert.deepEqual(
      [mainStatus(pod).state?.terminated?.exitCode, mainStatus(pod).state?.terminated?.reason],
      [7, "Error"],
    );
    assert.equal(await kubectl.ok(["logs", "ends-unwatched"]), "last words\n");
  });

  test("a pod that was deleted while the node was dead is ended afterwards", async () => {
    const { kubectl, cluster } = fixture;
    const { pids } = await runningPod("deleted-meanwhile", SLEEP);
    killNow(cluster.status().pids.node);
    await kubectl.ok(["delete", "pod", "deleted-meanwhile", "--timeout=40s"]);
    assert.deepEqual(pids.filter(isRunning), []);
  });

  test("a killed conmon makes its container one of unknown status", async () => {
    const { kubectl } = fixture;
    const { pod, pids } = await runningPod("orphaned", SLEEP);
    const id = mainStatus(pod).containerID?.split("//")[1] ?? "";
    const conmons = pidsOfProgram("conmon", id);
    assert.equal(conmons.length, 1);
    killNow(conmons[0]);
    for (const pid of pids) if (isRunning(pid)) killNow(pid);
    const later = await waitForField(kubectl, "orphaned", "{.status.phase}=Failed");
    assert.deepEqual(
      [mainStatus(later).state?.terminated?.reason, mainStatus(later).state?.terminated?.exitCode],
      ["ContainerStatusUnknown", 137],
    );
  });

  test("objects written before a kill of control are there after it", async () => {
    const { kubectl } = fixture;
    for (let number = 0; number < 5; number++) {
      await kubectl.ok(["create", "configmap", `durable-${number}`, `--from-literal=number=${number}`]);
    }
    await killRoles("control");
    const query = "jsonpath={range .items[*]}{.metadata.name}={.data.number} {end}";
    const listed = await waitUntil("the API", async () => await kubectl.ok(["get", "configmaps", "-o", query]));
    const durable = listed.split(" ").filter((text) => text.startsWith("durable-"));
    assert.deepEqual(durable, ["durable-0=0", "durable-1=1", "durable-2=2", "durable-3=3", "durable-4=4"]);
  });

  test("no pod was started twice by all that killing", async () => {
    const events = await eventsOf(fixture.kubectl, "ends-unwatched");
    const starts = events.filter((event) => event.reason === "Started");
    assert.deepEqual(
      starts.map((event) => event.count ?? 1),
      [1],
    );
  });
});

/** What a restart of ours may not change about a pod. */
function identityOf(pod: Pod): object {
  const { containerID, restartCount, state, imageID } = mainStatus(pod);
  const { podIP, startTime, phase } = pod.status ?? {};
  return { uid: pod.metadata?.uid, containerID, restartCount, state, imageID, podIP, startTime, phase };
}
