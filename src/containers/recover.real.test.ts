import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { siblingModule } from "../base/sibling-module.ts";
import type { ContainerStatus } from "../cri/runtime-service.ts";
import { mountPointsUnder } from "../linux/mount.ts";
import { identityOf } from "../linux/procfs.ts";
import { debianProgram } from "../testing/debian-program.ts";
import { requires } from "../testing/requires.ts";
import type { ContainerService } from "./container-service.ts";
import { purgeContainers } from "./purge-containers.ts";
import {
  containerConfig,
  createEngineFixture,
  type EngineFixture,
  leftovers,
  openEngine,
  readLog,
  sandboxConfig,
} from "./testing/engine-fixture.ts";

const ENGINE_PROCESS = fileURLToPath(siblingModule(import.meta.url, "testing/engine-process"));

interface Started {
  readonly sandboxId: string;
  readonly ids: Readonly<Record<string, string>>;
}

describe("containers after a kill", { skip: requires("root", "runc", "conmon", "nft", "busybox-static") }, () => {
  let fixture: EngineFixture;

  before(() => {
    fixture = createEngineFixture({
      podCidr: "100.127.97.0/24",
      busybox: debianProgram("busybox-static", "bin/busybox"),
    });
  });

  after(async () => {
    const { base, instance, podCidr } = fixture;
    await purgeContainers({
      root: `${base}/root`,
      runRoot: `${base}/run`,
      hostRunRoot: `${base}/host`,
      instance,
      podCidr,
    });
    assert.deepEqual(await leftovers(fixture), []);
  });

  const startProcess = (scripts: Record<string, string>, failpoints = ""): ChildProcess =>
    spawn(process.execPath, [ENGINE_PROCESS, JSON.stringify(fixture), JSON.stringify(scripts)], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, BERTH_FAILPOINTS: failpoints },
    });
  const started = async (child: ChildProcess): Promise<Started> => {
    assert.ok(child.stdout !== null);
    for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as Started;
    throw new Error("the engine ended early");
  };
  const kill = async (child: ChildProcess): Promise<void> => {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  const ended = async (service: ContainerService, id: string): Promise<ContainerStatus> => {
    for (let tries = 0; tries < 500; tries++) {
      const status = await service.containerStatus(id);
      if (status.state === "CONTAINER_EXITED") return status;
      await delay(10);
    }
    throw new Error(`container ${id} did not end`);
  };
  const leases = (): string[] =>
    readdirSync(`${fixture.base}/root/network/berth-${fixture.instance}`).filter((name) => /^[\d.]+$/.test(name));
  const isEmpty = async (service: ContainerService): Promise<void> => {
    assert.deepEqual(await service.listPodSandbox(), []);
    assert.deepEqual(await service.listContainers(), []);
    assert.deepEqual(leases(), []);
    assert.deepEqual(mountPointsUnder(`${fixture.base}/run`), []);
    assert.deepEqual(readdirSync(`${fixture.base}/run/containers`), []);
  };

  test("containers keep their process and their log, and what ended meanwhile is reported with its code and time", async () => {
    const child = startProcess({
      long: "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done",
      ending: "sleep 0.6; exit 5",
    });
    const { sandboxId, ids } = await started(child);
    const killedAt = Date.now();
    await kill(child);
    await delay(1200);
    await using service = await openEngine(fixture);
    const long = await service.containerStatus(ids["long"] ?? "");
    assert.equal(long.state, "CONTAINER_RUNNING");
    process.kill(long.pid, 0);
    assert.ok(long.startedAt < killedAt);
    const ending = await service.containerStatus(ids["ending"] ?? "");
    assert.deepEqual([ending.state, ending.exitCode, ending.reason], ["CONTAINER_EXITED", 5, "Error"]);
    assert.ok(ending.finishedAt > killedAt && ending.finishedAt < Date.now() - 300);
    assert.equal((await service.podSandboxStatus(sandboxId)).state, "SANDBOX_READY");
    const lines = readLog(long.logPath).trim().split("\n").map(Number);
    assert.ok(lines.length >= 10);
    assert.deepEqual(
      lines,
      lines.map((_, index) => index + 1),
    );
    await service.stopContainer(long.id, 0);
    assert.equal((await service.containerStatus(long.id)).exitCode, 137);
    await service.removePodSandbox(sandboxId);
    await isEmpty(service);
  });

  test("a host port leads to its pod, from the host's loopback too, over a restart, until the pod goes", async () => {
    const config = {
      ...sandboxConfig(fixture, "pod"),
      portMappings: [{ protocol: "TCP", containerPort: 80, hostPort: 48_711 }],
    } as const;
    let sandboxId: string;
    {
      await using service = await openEngine(fixture);
      sandboxId = await service.runPodSandbox(config);
      const script = "while :; do echo served | nc -l -p 80; done";
      const id = await service.createContainer(sandboxId, containerConfig("server", script), config);
      await service.startContainer(id);
      await delay(200);
      const { network } = await service.podSandboxStatus(sandboxId);
      assert.equal(await answerOf(network.ip, 80), "served\n");
      await delay(100);
      assert.equal(await answerOf("127.0.0.1", 48_711), "served\n");
    }
    await using service = await openEngine(fixture);
    await delay(100);
    assert.equal(await answerOf("127.0.0.1", 48_711), "served\n");
    await service.removePodSandbox(sandboxId);
    await assert.rejects(answerOf("127.0.0.1", 48_711), { code: "ECONNREFUSED" });
    await isEmpty(service);
  });

  test("a container whose conmon is killed is reported as ContainerStatusUnknown, and nothing of it runs on", async () => {
    await using service = await openEngine(fixture);
    const config = sandboxConfig(fixture, "pod");
    const sandboxId = await service.runPodSandbox(config);
    const id = await service.createContainer(sandboxId, containerConfig("orphan", "sleep 60"), config);
    await service.startContainer(id);
    const { pid } = await service.containerStatus(id);
    process.kill(parentOf(pid), "SIGKILL");
    const status = await ended(service, id);
    assert.deepEqual([status.exitCode, status.reason], [137, "ContainerStatusUnknown"]);
    // A zombie, where the machine's first process is slow to reap, is none.
    assert.equal(identityOf(pid), undefined);
    await service.removePodSandbox(sandboxId);
    await isEmpty(service);
  });

  test("a conmon killed while the engine is down is found at the next start", async () => {
    const child = startProcess({ orphan: "sleep 60" });
    const { sandboxId, ids } = await started(child);
    await kill(child);
    const bundle = `${fixture.base}/run/containers/${ids["orphan"]}`;
    process.kill(Number(readFileSync(`${bundle}/conmon.pid`, "utf8")), "SIGKILL");
    await using service = await openEngine(fixture);
    assert.equal((await ended(service, ids["orphan"] ?? "")).reason, "ContainerStatusUnknown");
    await service.removePodSandbox(sandboxId);
    await isEmpty(service);
  });

  for (const point of ["sandbox.after-record", "sandbox.after-network", "container.after-record"]) {
    test(`a kill at ${point} leaves nothing that the next start does not remove, and the next pod works`, async () => {
      const child = startProcess({ one: "sleep 60" }, `${point}=kill`);
      await once(child, "exit");
      await using service = await openEngine(fixture);
      const left = await service.listPodSandbox();
      await Promise.all(left.map(({ id }) => service.removePodSandbox(id)));
      await isEmpty(service);
      const config = sandboxConfig(fixture, "pod");
      const sandboxId = await service.runPodSandbox(config);
      const id = await service.createContainer(sandboxId, containerConfig("next", "exit 4"), config);
      await service.startContainer(id);
      assert.equal((await ended(service, id)).exitCode, 4);
      await service.removePodSandbox(sandboxId);
      await isEmpty(service);
    });
  }

  test("a container that dies before it was started is forgotten, so that it can be made anew", async () => {
    const child = startProcess({ one: "exit 6" }, "container.before-start=kill");
    await once(child, "exit");
    const [id = ""] = readdirSync(`${fixture.base}/run/containers`);
    const bundle = `${fixture.base}/run/containers/${id}`;
    process.kill(Number(readFileSync(`${bundle}/conmon.pid`, "utf8")), "SIGKILL");
    process.kill(Number(readFileSync(`${bundle}/pid`, "utf8")), "SIGKILL");
    await using service = await openEngine(fixture);
    assert.deepEqual(await service.listContainers(), []);
    for (const sandbox of await service.listPodSandbox()) await service.removePodSandbox(sandbox.id);
    await isEmpty(service);
  });

  test("a container created and not yet started before a kill can be started after it", async () => {
    const child = startProcess({ one: "exit 6" }, "container.before-start=kill");
    await once(child, "exit");
    await using service = await openEngine(fixture);
    const [container] = await service.listContainers();
    assert.ok(container !== undefined);
    assert.equal(container.state, "CONTAINER_CREATED");
    await service.startContainer(container.id);
    assert.equal((await ended(service, container.id)).exitCode, 6);
    await service.removePodSandbox(container.podSandboxId);
    await isEmpty(service);
  });
});

async function answerOf(host: string, port: number): Promise<string> {
  const socket = connect({ host, port, signal: AbortSignal.timeout(5000) });
  return await text(socket);
}

function parentOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[1]);
}
