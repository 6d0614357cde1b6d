import assert from "node:assert/strict";
import { existsSync, readlinkSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { Duplex, PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import type { ContainerConfig, ContainerEvent, ContainerStatus } from "../cri/runtime-service.ts";
import { commandLines } from "../testing/command-lines.ts";
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
  RUN_AS_IMAGE_SAYS,
  sandboxConfig,
} from "./testing/engine-fixture.ts";

describe("containers", { skip: requires("root", "runc", "conmon", "nft", "busybox-static") }, () => {
  let fixture: EngineFixture;
  let service: ContainerService;
  let sandboxId: string;

  before(async () => {
    fixture = createEngineFixture({
      podCidr: "100.127.98.0/24",
      busybox: debianProgram("busybox-static", "bin/busybox"),
    });
    service = await openEngine(fixture);
    sandboxId = await service.runPodSandbox(sandboxConfig(fixture, "pod"));
  });

  after(async () => {
    await service.removePodSandbox(sandboxId);
    await service[Symbol.asyncDispose]();
    const { base, instance, podCidr } = fixture;
    const options = { root: `${base}/root`, runRoot: `${base}/run`, hostRunRoot: `${base}/host`, instance, podCidr };
    await purgeContainers(options);
    await purgeContainers(options);
    assert.deepEqual(await leftovers(fixture), []);
  });

  const start = async (config: ContainerConfig): Promise<string> => {
    const id = await service.createContainer(sandboxId, config, sandboxConfig(fixture, "pod"));
    await service.startContainer(id);
    return id;
  };
  const ended = async (id: string): Promise<ContainerStatus> => {
    for (let tries = 0; tries < 500; tries++) {
      const status = await service.containerStatus(id);
      if (status.state === "CONTAINER_EXITED") return status;
      await delay(10);
    }
    throw new Error(`container ${id} did not end`);
  };
  const outputOf = async (config: ContainerConfig): Promise<string> =>
    readLog((await ended(await start(config))).logPath);

  test("a container runs to its end and its status tells all of it", async () => {
    const id = await start(containerConfig("echo", "echo SUCCESS; exit 3"));
    const status = await ended(id);
    assert.equal(readLog(status.logPath), "SUCCESS\n");
    const { exitCode, reason, imageRef, podSandboxId, pid, stopSignal } = status;
    assert.deepEqual([exitCode, reason, podSandboxId, pid, stopSignal], [3, "Error", sandboxId, 0, "SIGTERM"]);
    assert.match(imageRef, /^registry\.example\/busybox@sha256:/);
    assert.ok(status.createdAt <= status.startedAt && status.startedAt <= status.finishedAt);
    await service.removeContainer(id);
    await service.removeContainer(id);
    await assert.rejects(service.containerStatus(id), { name: "CriError", code: "NOT_FOUND" });
  });

  test("its sandbox gives it an address, a host name and name servers", async () => {
    const { network } = await service.podSandboxStatus(sandboxId);
    const output = await outputOf(
      containerConfig("net", "hostname; cat /etc/hostname /etc/resolv.conf; ip addr show eth0"),
    );
    assert.match(output, /^pod\npod\nsearch default\.svc\.cluster\.local\nnameserver 10\.43\.0\.10\noptions ndots:5\n/);
    assert.ok(output.includes(`inet ${network.ip}/24`));
  });

  test("environment and command come from the image where the container has none", async () => {
    const config = containerConfig("defaults", "", { command: [] });
    assert.equal(await outputOf(config), "from the image\n");
    const envs = [{ key: "FROM_IMAGE", value: "no, mine" }];
    const output = await outputOf(containerConfig("env", "env", { envs }));
    assert.match(output, /^FROM_IMAGE=no, mine$/m);
    assert.match(output, /^HOSTNAME=pod$/m);
  });

  test("the user of the image is looked up in the image, and the container's own goes before it", async () => {
    const image = { image: "with-user" };
    assert.equal(
      await outputOf(containerConfig("user", "id; pwd", { image })),
      "uid=1234(app) gid=2345(apps) groups=2345(apps),3456(extra)\n/srv/app\n",
    );
    const securityContext = { ...RUN_AS_IMAGE_SAYS, runAsUser: 77, runAsGroup: 88, supplementalGroups: [99] };
    const linux = { resources: {}, securityContext };
    assert.equal(await outputOf(containerConfig("own-user", "id", { image, linux })), "uid=77 gid=88 groups=88,99\n");
    const unknown = containerConfig("unknown", "id", { image: { image: "unknown-user" } });
    await assert.rejects(start(unknown), { code: "INVALID_ARGUMENT", message: /nobody-here/ });
  });

  test("an image that is not present is refused", async () => {
    const config = containerConfig("absent", "true", { image: { image: "absent" } });
    await assert.rejects(start(config), { code: "NOT_FOUND", message: /"absent": the image is not present/ });
  });

  test("a command that is not in the image ends the container with code 128 and the runtime's reason", async () => {
    const config = containerConfig("nothing", "", { command: ["no-such-program"] });
    const id = await service.createContainer(sandboxId, config, sandboxConfig(fixture, "pod"));
    await assert.rejects(service.startContainer(id), {
      code: "UNKNOWN",
      message: /executable file not found in \$PATH/,
    });
    const { state, exitCode, reason, message } = await service.containerStatus(id);
    assert.deepEqual([state, exitCode, reason], ["CONTAINER_EXITED", 128, "StartError"]);
    assert.match(message, /no-such-program/);
    await service.removeContainer(id);
  });

  test("stop sends the image's signal, waits, and kills what does not end", async () => {
    const image = { image: "with-user" };
    const polite = await start(
      containerConfig("polite", "trap 'echo bye; exit 0' USR1; while :; do sleep 0.05; done", { image }),
    );
    await delay(150);
    await service.stopContainer(polite, 10);
    const status = await service.containerStatus(polite);
    assert.deepEqual([status.exitCode, status.reason, readLog(status.logPath)], [0, "Completed", "bye\n"]);
    const stubborn = await start(containerConfig("stubborn", "trap '' TERM; while :; do sleep 0.05; done"));
    const before = Date.now();
    await service.stopContainer(stubborn, 1);
    assert.ok(Date.now() - before >= 1000);
    assert.equal((await service.containerStatus(stubborn)).exitCode, 137);
    await service.stopContainer(stubborn, 1);
  });

  test("a container over its memory limit is OOMKilled", async () => {
    const linux = { resources: { memoryLimitInBytes: 16 << 20 }, securityContext: RUN_AS_IMAGE_SAYS };
    const status = await ended(await start(containerConfig("oom", "exec tail /dev/zero", { linux })));
    assert.deepEqual([status.exitCode, status.reason], [137, "OOMKilled"]);
  });

  test("mounts are made with their access, and links in the image do not lead them elsewhere", async () => {
    const hostPath = `${fixture.base}/volume`;
    await import("node:fs/promises").then(({ mkdir }) => mkdir(hostPath));
    const mounts = [
      { containerPath: "/data", hostPath, readonly: false },
      { containerPath: "/data-ro", hostPath, readonly: true },
    ];
    const script =
      "echo x > /data/file; cat /data-ro/file; touch /data-ro/new || echo refused; cat /proc/1/comm; ls -d /dev/null";
    assert.equal(await outputOf(containerConfig("mounts", script, { mounts })), "x\nrefused\nsh\n/dev/null\n");
    assert.ok(existsSync(`${hostPath}/file`));
    const missing = containerConfig("missing", "true", {
      mounts: [{ containerPath: "/x", hostPath: "/no/such", readonly: false }],
    });
    await assert.rejects(start(missing), { code: "INVALID_ARGUMENT", message: /does not exist on the host/ });
  });

  test("execSync returns both outputs and the code, and kills what takes too long", async () => {
    const id = await start(containerConfig("exec", "sleep 60"));
    const result = await service.execSync(id, ["sh", "-c", "echo out; echo err >&2; exit 9"], 5);
    const { stdout, stderr, exitCode } = result;
    assert.deepEqual([Buffer.from(stdout).toString(), Buffer.from(stderr).toString(), exitCode], ["out\n", "err\n", 9]);
    await assert.rejects(service.execSync(id, ["sleep", "30"], 1), { code: "DEADLINE_EXCEEDED" });
    const list = await service.execSync(id, ["sh", "-c", "ls -d /proc/[0-9]*"], 5);
    assert.equal(Buffer.from(list.stdout).toString().trim().split("\n").length, 2);
    await service.stopContainer(id, 0);
    await assert.rejects(service.execSync(id, ["true"], 5), { code: "FAILED_PRECONDITION" });
  });

  test("exec carries input to a command and its output back", async () => {
    const id = await start(containerConfig("exec-streams", "sleep 60"));
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const request = { containerId: id, command: ["cat"], tty: false, stdin: true, stdout: true, stderr: true };
    const output = text(stdout);
    const running = service.exec(request, { stdin, stdout, stderr });
    stdin.end("y".repeat(100_000));
    const code = await running;
    stdout.end();
    assert.deepEqual([code, (await output).length], [0, 100_000]);
    await service.stopContainer(id, 0);
  });

  test("attach sends input and gets output, which the log gets too", async () => {
    const config = containerConfig("attach", "while read line; do echo got $line; done; echo end", {
      stdin: true,
      stdinOnce: true,
    });
    const id = await start(config);
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const request = { containerId: id, tty: false, stdin: true, stdout: true, stderr: true };
    const attached = service.attach(request, { stdin, stdout });
    stdin.write("one\n");
    stdin.end("two\n");
    await attached;
    stdout.end();
    assert.equal(await text(stdout), "got one\ngot two\nend\n");
    assert.equal(readLog((await ended(id)).logPath), "got one\ngot two\nend\n");
  });

  test("portForward reaches a port of the pod's loopback interface", async () => {
    const id = await start(containerConfig("server", "echo hello | nc -l -p 8080"));
    await delay(200);
    const received: Buffer[] = [];
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        received.push(chunk);
        done();
      },
    });
    const forwarding = service.portForward(sandboxId, 8080, stream);
    await delay(200);
    stream.push(null);
    await forwarding;
    assert.equal(Buffer.concat(received).toString(), "hello\n");
    await ended(id);
    await assert.rejects(service.portForward(sandboxId, 1, new PassThrough()), { code: "UNAVAILABLE" });
  });

  test("events tell a container's life in order", async () => {
    const controller = new AbortController();
    const events = service.getContainerEvents(controller.signal);
    const id = await start(containerConfig("events", "true"));
    await ended(id);
    await service.removeContainer(id);
    controller.abort();
    const seen: ContainerEvent["type"][] = [];
    for await (const event of events) if (event.containerId === id) seen.push(event.type);
    const expected = ["CREATED", "STARTED", "STOPPED", "DELETED"].map((name) => `CONTAINER_${name}_EVENT`);
    assert.deepEqual(seen, expected);
  });

  test("stats count what a running container uses", async () => {
    const id = await start(containerConfig("stats", "echo x > /file; sleep 60"));
    await delay(100);
    const stats = await service.containerStats(id);
    assert.ok(stats.memoryUsageBytes > 0 && stats.cpuUsageNanoseconds > 0 && stats.writableLayerBytes > 0);
    assert.equal((await service.listContainerStats({ id }))[0]?.containerId, id);
    await service.updateContainerResources(id, { memoryLimitInBytes: 64 << 20 });
    await service.removeContainer(id);
  });

  test("a container on the node's network and processes sees them, and only it", async () => {
    const config = sandboxConfig(fixture, "host");
    const namespaceOptions = { network: "NODE", pid: "NODE", ipc: "NODE" } as const;
    const securityContext = { ...RUN_AS_IMAGE_SAYS, namespaceOptions };
    const host = await service.runPodSandbox({
      ...config,
      linux: { ...config.linux, securityContext: { namespaceOptions } },
    });
    assert.equal((await service.podSandboxStatus(host)).network.ip, "");
    const script = "ls -l /proc/self/ns; hostname; cat /proc/1/comm; ps -o args | cat";
    const linux = { resources: {}, securityContext };
    const id = await service.createContainer(host, containerConfig("host", `${script}; sleep 60`, { linux }), config);
    await service.startContainer(id);
    await delay(300);
    const output = readLog((await service.containerStatus(id)).logPath);
    for (const kind of ["net", "ipc", "uts", "pid"])
      assert.ok(output.includes(readlinkSync(`/proc/self/ns/${kind}`)), kind);
    assert.ok(output.includes(hostname()));
    // Without a process namespace of its own, what it left running has to be found by its cgroup.
    await service.execSync(id, ["sh", "-c", "sleep 61.5 >/dev/null 2>&1 &"], 5);
    await service.stopContainer(id, 0);
    await service.removePodSandbox(host);
    assert.ok(!commandLines().includes("sleep 61.5"));
  });

  test("a privileged container may mount, and a read-only root is that", async () => {
    const privileged = { ...RUN_AS_IMAGE_SAYS, privileged: true };
    const script =
      "mount -t tmpfs none /tmp && echo mounted; ls /dev/kmsg; cat /proc/self/attr/current >/dev/null; grep Seccomp: /proc/self/status";
    const asPrivileged = containerConfig("privileged", script, {
      linux: { resources: {}, securityContext: privileged },
    });
    assert.equal(await outputOf(asPrivileged), "mounted\n/dev/kmsg\nSeccomp:\t0\n");
    const readonly = { ...RUN_AS_IMAGE_SAYS, readonlyRootfs: true };
    const write =
      "touch /file || echo refused; echo x > /etc/hostname || echo refused; echo x > /dev/shm/file && echo shm";
    const asReadonly = containerConfig("readonly", write, { linux: { resources: {}, securityContext: readonly } });
    assert.equal(await outputOf(asReadonly), "refused\nrefused\nshm\n");
  });

  test("a container with a terminal has one, and its output is logged", async () => {
    const output = await outputOf(containerConfig("terminal", "tty; echo $TERM", { tty: true, stdin: true }));
    assert.equal(output.replaceAll("\r", ""), "/dev/pts/0\nxterm\n");
  });

  test("two containers of a pod share its shared memory and reach one another by loopback", async () => {
    const writer = await start(containerConfig("writer", "echo shared > /dev/shm/file; sleep 60"));
    await delay(100);
    assert.equal(await outputOf(containerConfig("reader", "cat /dev/shm/file")), "shared\n");
    await service.stopContainer(writer, 0);
  });

  test("stopping a sandbox ends its containers and gives its address back; removing leaves nothing", async () => {
    const other = await service.runPodSandbox(sandboxConfig(fixture, "other"));
    const config = containerConfig("sleeper", "sleep 60");
    const id = await service.createContainer(other, config, sandboxConfig(fixture, "other"));
    await service.startContainer(id);
    const created = await service.createContainer(
      other,
      containerConfig("idle", "true"),
      sandboxConfig(fixture, "other"),
    );
    await service.stopPodSandbox(other);
    await service.stopPodSandbox(other);
    const states = await Promise.all([id, created].map(async (one) => (await service.containerStatus(one)).exitCode));
    assert.deepEqual(states, [137, 137]);
    assert.equal((await service.podSandboxStatus(other)).state, "SANDBOX_NOTREADY");
    await assert.rejects(service.createContainer(other, config, sandboxConfig(fixture, "other")), {
      code: "FAILED_PRECONDITION",
    });
    await service.removePodSandbox(other);
    await service.removePodSandbox(other);
    assert.deepEqual(await service.listPodSandbox({ id: other }), []);
    assert.deepEqual(await service.listContainers({ podSandboxId: other }), []);
    assert.equal(existsSync(`${fixture.base}/run/sandboxes/${other}`), false);
  });

  test("a sandbox whose parameters are not its own is refused and leaves nothing", async () => {
    const config = sandboxConfig(fixture, "sysctl");
    const before = statSync(`${fixture.base}/run/sandboxes`).nlink;
    for (const name of ["kernel.core_pattern", "net.ipv4.ip_forward+kernel.core_pattern", "net/../kernel"]) {
      const linux = { ...config.linux, sysctls: { [name]: "|/tmp/x" } };
      await assert.rejects(service.runPodSandbox({ ...config, linux }), { code: "INVALID_ARGUMENT" });
    }
    assert.equal(statSync(`${fixture.base}/run/sandboxes`).nlink, before);
    const linux = { ...config.linux, sysctls: { "net.ipv4.ip_unprivileged_port_start": "0" } };
    const id = await service.runPodSandbox({ ...config, linux });
    await service.removePodSandbox(id);
  });
});
