import assert from "node:assert/strict";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import type { ContainerConfig } from "../cri/runtime-service.ts";
import type { ContainerDefaults } from "../oci/image-config.ts";
import { containerProcess } from "./container-process.ts";
import { checkedSysctls } from "./sandbox-sysctls.ts";
import { containerConfig } from "./testing/engine-fixture.ts";

const IMAGE: ContainerDefaults = {
  user: "",
  env: ["PATH=/image", "ODD", "=nameless", "A=1=2"],
  entrypoint: ["entry"],
  cmd: ["default"],
  workingDir: "/work",
  volumes: [],
  exposedPorts: [],
  labels: {},
};

const processOf = (changes: Partial<ContainerConfig>, image: Partial<ContainerDefaults> = {}) =>
  containerProcess({
    config: containerConfig("c", "", { command: [], ...changes }),
    image: { ...IMAGE, ...image },
    hostname: "host",
    rootfs,
  });

const rootfs = mkdtempSync(join(tmpdir(), "berth-process-"));
symlinkSync("/proc/self/fd/8", join(rootfs, "fd8"));
symlinkSync("../../proc", join(rootfs, "up"));
after(() => rmSync(rootfs, { recursive: true }));

test("command and arguments take the place of the image's as Kubernetes documents", () => {
  assert.deepEqual(processOf({}).args, ["entry", "default"]);
  assert.deepEqual(processOf({ args: ["a"] }).args, ["entry", "a"]);
  assert.deepEqual(processOf({ command: ["c"] }).args, ["c"]);
  assert.deepEqual(processOf({ command: ["c"], args: ["a"] }).args, ["c", "a"]);
  assert.throws(() => processOf({}, { entrypoint: [], cmd: [] }), {
    code: "INVALID_ARGUMENT",
    message: /no command specified/,
  });
});

test("the environment has each name once, the container's value before the image's", () => {
  const { env } = processOf({
    envs: [
      { key: "PATH", value: "/own" },
      { key: "EMPTY", value: "" },
    ],
  });
  assert.deepEqual(env, ["PATH=/own", "HOSTNAME=host", "A=1=2", "EMPTY="]);
});

test("a working directory is made absolute and may not be a descriptor of the runtime's", () => {
  assert.equal(processOf({}).cwd, "/work");
  assert.equal(processOf({ workingDir: "relative/../dir" }).cwd, "/dir");
  assert.equal(processOf({}, { workingDir: "" }).cwd, "/");
  for (const workingDir of [
    "/proc/self/fd/8",
    "/x/../proc/self/fd/8/",
    "//proc/1/root",
    "proc/self/cwd",
    "/fd8",
    "/up/self",
  ]) {
    assert.throws(() => processOf({ workingDir }), { code: "INVALID_ARGUMENT" }, workingDir);
    assert.throws(() => processOf({}, { workingDir }), { code: "INVALID_ARGUMENT" }, workingDir);
  }
});

test("only kernel parameters of namespaces that are the pod's own are let through", () => {
  const own = { network: true, ipc: true };
  const good = {
    "net.core.somaxconn": "1",
    "kernel.shm_rmid_forced": "1",
    "kernel.sem": "1 2 3 4",
    "fs.mqueue.msg_max": "5",
  };
  assert.deepEqual(checkedSysctls(good, own), Object.entries(good));
  const bad = [
    "kernel.core_pattern",
    "net.x+kernel.core_pattern",
    "net.x=1",
    "net/../kernel",
    "net..x",
    "vm.swappiness",
    "NET.x",
    "",
  ];
  for (const name of bad) assert.throws(() => checkedSysctls({ [name]: "1" }, own), { code: "INVALID_ARGUMENT" }, name);
  assert.throws(() => checkedSysctls({ "net.core.somaxconn": "1" }, { network: false, ipc: true }), {
    code: "INVALID_ARGUMENT",
  });
  assert.throws(() => checkedSysctls({ "kernel.sem": "1" }, { network: true, ipc: false }), {
    code: "INVALID_ARGUMENT",
  });
});
