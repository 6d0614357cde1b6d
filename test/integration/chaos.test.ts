import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";

import { PODS } from "../../src/api/resource-types.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitUntil } from "../../src/testing/wait-until.ts";
import { killNow, pidsWithEnvironment } from "./host-processes.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";

const SEED = Number(process.env["CHAOS_SEED"] ?? Date.now() % 1_000_000);
const ROUNDS = Number(process.env["CHAOS_ROUNDS"] ?? 60);

describe("chaos", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  test("pods made and deleted while roles are killed leave nothing behind", async (t) => {
    t.diagnostic(`CHAOS_SEED=${SEED} CHAOS_ROUNDS=${ROUNDS}`);
    await using fixture = await openClusterFixture();
    const mark = `chaos-${process.pid}`;
    await makeTrouble(t, fixture, mark);
    await waitUntil("a ready cluster", () => fixture.cluster.status().ready);
    const { kubectl, cluster } = fixture;
    await kubectl.ok(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=30s"]);
    await kubectl.ok(["delete", "pods", "--all", "--timeout=60s"], { timeoutMs: 70_000 });
    await waitUntil("the end of all processes", () => pidsWithEnvironment(`CHAOS_MARK=${mark}`).length === 0);
    const left = () => [...leftOf(cluster.name), ...readdirSync(join(cluster.dataDir, "kubelet", "pods"))];
    const isEmpty = waitUntil("an empty node", () => left().length === 0, { timeoutMs: 20_000 });
    assert.deepEqual(
      await isEmpty.then(
        () => [],
        () => left(),
      ),
      [],
    );
  });
});

/** Makes and deletes pods and kills roles, as the seed says. */
async function makeTrouble(t: TestContext, { cluster, registries }: ClusterFixture, mark: string): Promise<void> {
  const random = randomFrom(SEED);
  const alive: string[] = [];
  const kills: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const choice = random();
    if (choice < 0.08) {
      const role = random() < 0.6 ? "node" : "control";
      const pid = cluster.status().pids[role];
      if (pid !== undefined) killNow(pid);
      kills.push(`${role} in round ${round}`);
    } else if (choice < 0.6 || alive.length === 0) {
      const name = `chaos-${round}`;
      const container = { env: [{ name: "CHAOS_MARK", value: mark }] };
      const restartPolicy = random() < 0.5 ? "Always" : "Never";
      const command = random() < 0.3 ? ["sh", "-c", "exit 3"] : SLEEP;
      const pod = podManifest({ name, image: registries.publicImage, command, container, restartPolicy });
      await untilAnswered(async () => {
        const metadata = { name, namespace: "default" };
        await cluster.client.create(PODS, { ...pod, metadata }, { namespace: "default" });
      });
      alive.push(name);
    } else {
      const [name = ""] = alive.splice(Math.floor(random() * alive.length), 1);
      const options = random() < 0.3 ? { options: { gracePeriodSeconds: 0 } } : {};
      await untilAnswered(async () => await cluster.client.delete(PODS, { namespace: "default", name }, options));
    }
    await new Promise((resolve) => setTimeout(resolve, random() * 250));
  }
  t.diagnostic(`killed: ${kills.join(", ")}`);
}

/** Asks until the API answers, whatever it says: a second try may find done what the first was not told of. */
async function untilAnswered(ask: () => Promise<void>): Promise<void> {
  await waitUntil("an answer", async () => {
    try {
      await ask();
      return true;
    } catch (error) {
      if (error instanceof Error && error.name === "StatusError") return true;
      throw error;
    }
  });
}

/** Returns what the host has of pods of this cluster: mounts, and cgroups of pods. */
function leftOf(cluster: string): string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(cluster) && /sandboxes|rootfs|\/pods\//.test(line));
  const conmons = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => commandLineOf(pid))
    .filter((line) => line.startsWith("/usr/bin/conmon") && line.includes(cluster));
  return [...mounts, ...conmons];
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Returns a source of numbers from 0 to 1 that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
