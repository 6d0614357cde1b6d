import assert from "node:assert/strict";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { run } from "../base/process/run.ts";
import { killCgroup } from "../linux/cgroup.ts";
import { detectCgroups } from "../linux/cgroup-layout.ts";
import { oomKills } from "../linux/cgroup-resources.ts";
import { isRunning } from "../linux/procfs.ts";
import { commandLines } from "../testing/command-lines.ts";
import { signalProcess } from "../linux/signals.ts";
import type { Spec } from "../oci/runtime-config.ts";
import { reopenLog } from "./conmon-control.ts";
import { type ContainerRuntime, openContainerRuntime } from "./container-runtime.ts";
import { containerSpec, type ContainerSpecRequest } from "./container-spec.ts";
import { defaultMounts } from "./default-mounts.ts";
import { defaultSeccomp } from "./default-seccomp.ts";
import { endLeftExecs, execArguments, killExec, prepareExec } from "./exec.ts";
import { type ContainerExit, ExitWatcher } from "./exit-watcher.ts";
import { grantedCapabilities } from "./granted-capabilities.ts";
import { bundleOf } from "./runtime-directories.ts";
import { findRuntimePrograms } from "./runtime-programs.ts";

const BUSYBOX = ["/usr/bin/busybox", "/bin/busybox", ".cache/debian/busybox-static/bin/busybox"].find((path) =>
  existsSync(path),
);
const missing = process.getuid?.() === 0 ? (BUSYBOX === undefined ? "needs busybox-static" : "") : "needs root";

describe("runtime", missing === "" ? {} : { skip: missing }, () => {
  const cgroup = `/berth-test-runtime-${process.pid}`;
  const cgroups = detectCgroups();
  const exits = new Map<string, PromiseWithResolvers<ContainerExit>>();
  const exitOf = (id: string): PromiseWithResolvers<ContainerExit> => {
    const entry = exits.get(id) ?? Promise.withResolvers<ContainerExit>();
    exits.set(id, entry);
    return entry;
  };
  let directory: string;
  let runtime: ContainerRuntime;
  let watcher: ExitWatcher;

  before(async () => {
    directory = mkdtempSync("/run/berth-runtime-");
    makeRootfs(join(directory, "rootfs"));
    mkdirSync(join(directory, "shm"));
    const programs = findRuntimePrograms(cgroups);
    runtime = await openContainerRuntime({ programs, cgroups, runDir: directory, conmonCgroup: `${cgroup}/conmon` });
    watcher = new ExitWatcher(runtime.directories.exits, (exit) => exitOf(exit.id).resolve(exit));
  });

  after(async () => {
    watcher.close();
    assert.equal(await killCgroup(cgroups, cgroup), true);
    rmSync(directory, { recursive: true, force: true });
  });

  const logPath = (id: string): string => join(directory, "logs", id, "0.log");
  const specOf = (id: string, script: string, changes: Partial<ContainerSpecRequest> = {}): Spec => {
    const capabilities = grantedCapabilities({ privileged: false, add: [], drop: [] });
    return containerSpec({
      rootfs: join(directory, "rootfs"),
      readonlyRootfs: false,
      args: ["sh", "-c", script],
      env: ["PATH=/bin"],
      cwd: "/",
      user: { uid: 0, gid: 0 },
      terminal: false,
      noNewPrivileges: true,
      oomScoreAdj: 0,
      capabilities,
      privileged: false,
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }],
      mounts: defaultMounts({ privileged: false, shm: join(directory, "shm") }),
      devices: [],
      seccomp: defaultSeccomp(capabilities),
      cgroups,
      cgroupPath: `${cgroup}/${id}`,
      resources: {},
      ...changes,
    });
  };
  const create = async (id: string, spec: Spec) =>
    await runtime.create({
      id,
      logPath: logPath(id),
      terminal: false,
      stdin: false,
      stdinOnce: false,
      spec: Promise.resolve(spec),
    });
  const logOf = (id: string): string => readFileSync(logPath(id), "utf8").replaceAll(/^\S+ /gm, "");

  test("a container writes its log in CRI's format and leaves its exit code", async () => {
    const { process: init } = await create("one", specOf("one", "echo out; echo err >&2; printf partial; exit 7"));
    assert.ok(isRunning(init));
    await runtime.oci.start("one");
    const { exitCode, finishedAt } = await exitOf("one").promise;
    assert.equal(exitCode, 7);
    assert.ok(Math.abs(finishedAt - Date.now()) < 5000);
    assert.deepEqual(
      new Set(logOf("one").trim().split("\n")),
      new Set(["stdout F out", "stderr F err", "stdout P partial"]),
    );
    assert.equal(isRunning(init), false);
    await runtime.remove("one");
    await runtime.remove("one");
    assert.equal(existsSync(bundleOf(runtime.directories, "one").directory), false);
  });

  test("a container has only its own descriptors, default capabilities, a filter, masked and read-only kernel files", async () => {
    const script = `ls /proc/self/fd | wc -l; grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status; wc -c < /proc/timer_list
      echo x > /proc/sys/kernel/domainname || echo refused; unshare -U true || echo refused`;
    await create("confined", specOf("confined", script));
    await runtime.oci.start("confined");
    await exitOf("confined").promise;
    const lines = logOf("confined").trim().split("\n");
    const out = lines.filter((line) => line.startsWith("stdout")).map((line) => line.slice("stdout F ".length));
    // 0, 1, 2 and the directory that ls itself has open.
    assert.equal(out[0], "4");
    assert.deepEqual(out.slice(1), [
      "CapEff:\t00000000a80425fb",
      "NoNewPrivs:\t1",
      "Seccomp:\t2",
      "0",
      "refused",
      "refused",
    ]);
    await runtime.remove("confined");
  });

  test("a program that is not in the image fails to be created with the runtime's reason", async () => {
    const spec = specOf("nothing", "", { args: ["no-such-program"] });
    await assert.rejects(create("nothing", spec), {
      name: "RuntimeError",
      code: "CREATE_FAILED",
      message: /exec: "no-such-program": executable file not found in \$PATH/,
    });
    await runtime.remove("nothing");
  });

  test("when the configuration cannot be made, conmon ends and nothing is created", async () => {
    const spec = Promise.reject(new Error("no such user"));
    const request = {
      id: "cancelled",
      logPath: logPath("cancelled"),
      terminal: false,
      stdin: false,
      stdinOnce: false,
      spec,
    };
    await assert.rejects(runtime.create(request), /no such user/);
    assert.equal(await runtime.oci.state("cancelled"), undefined);
    await runtime.remove("cancelled");
  });

  test("conmon is in its own cgroup and its container in the one asked for", async () => {
    const { process: init, conmon } = await create("placed", specOf("placed", "sleep 60"));
    const cgroupsOf = (pid: number): string => readFileSync(`/proc/${pid}/cgroup`, "utf8");
    assert.match(cgroupsOf(conmon.pid), new RegExp(`:${cgroup}/conmon$`, "m"));
    assert.match(cgroupsOf(init.pid), new RegExp(`:${cgroup}/placed$`, "m"));
    await runtime.remove("placed");
    assert.equal(isRunning(init), false);
  });

  test("a rotated log is written to its path anew", async () => {
    await create("rotated", specOf("rotated", "echo before; sleep 0.5; echo after"));
    await runtime.oci.start("rotated");
    await delay(250);
    renameSync(logPath("rotated"), `${logPath("rotated")}.old`);
    await reopenLog(bundleOf(runtime.directories, "rotated"));
    await exitOf("rotated").promise;
    assert.equal(logOf("rotated").trim(), "stdout F after");
    await runtime.remove("rotated");
    await assert.rejects(reopenLog(bundleOf(runtime.directories, "rotated")), { code: "NOT_RUNNING" });
  });

  test("a container over its memory limit is killed and the kernel says so", async () => {
    const resources = { memoryLimitInBytes: 16 << 20 };
    await create("hungry", specOf("hungry", "exec tail /dev/zero", { resources }));
    await runtime.oci.start("hungry");
    assert.equal((await exitOf("hungry").promise).exitCode, 137);
    assert.ok(oomKills(cgroups, `${cgroup}/hungry`) > 0);
    await runtime.remove("hungry");
  });

  test("a command in a container returns its output and code, and is killed where it takes too long", async () => {
    const { process: init } = await create("host", specOf("host", "sleep 60"));
    await runtime.oci.start("host");
    const { directories, oci } = runtime;
    const quick = await prepareExec({
      directories,
      containerId: "host",
      command: ["sh", "-c", "echo $$; exit 5"],
      terminal: false,
    });
    const result = await run(execArguments(oci, "host", quick));
    assert.equal(result.exitCode, 5);
    const slow = await prepareExec({ directories, containerId: "host", command: ["sleep", "77"], terminal: false });
    const running = run(execArguments(oci, "host", slow));
    await delay(300);
    assert.equal(countProcesses("sleep 77"), 1);
    killExec(slow);
    assert.equal((await running).exitCode, 137);
    const left = await prepareExec({ directories, containerId: "host", command: ["sleep", "78"], terminal: false });
    await run(execArguments(oci, "host", left), { timeoutMs: 300 }).catch(() => {});
    assert.equal(countProcesses("sleep 78"), 1);
    await endLeftExecs(directories);
    await delay(100);
    assert.equal(countProcesses("sleep 78"), 0);
    assert.ok(isRunning(init));
    signalProcess(init, 9);
    assert.equal((await exitOf("host").promise).exitCode, 137);
    await runtime.remove("host");
  });
});

function makeRootfs(rootfs: string): void {
  for (const name of ["bin", "dev", "proc", "sys", "etc", "tmp"]) mkdirSync(join(rootfs, name), { recursive: true });
  copyFileSync(BUSYBOX ?? "", join(rootfs, "bin", "busybox"));
  for (const name of ["sh", "ls", "wc", "grep", "sleep", "unshare", "tail", "true"])
    symlinkSync("busybox", join(rootfs, "bin", name));
}

function countProcesses(commandLine: string): number {
  return commandLines().filter((line) => line === commandLine).length;
}
