import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { addToCgroup, cgroupDirectory, createCgroup, killCgroup, processesInCgroup, removeCgroup } from "./cgroup.ts";
import { type CgroupLayout, detectCgroups, hierarchyFor } from "./cgroup-layout.ts";
import { cpuWeight, oomKills, readCgroupUsage, setCgroupResources } from "./cgroup-resources.ts";
import { parseMountInfo } from "./mount.ts";

const layout = process.getuid?.() === 0 ? detectCgroups() : { version: "v2" as const, hierarchies: [] };
const needsCgroups = layout.hierarchies.length > 0 ? {} : { skip: "needs root and mounted cgroups" };
const unified = layout.hierarchies.find(({ mountPoint }) => existsSync(join(mountPoint, "cgroup.controllers")));
const needsUnified = unified === undefined ? { skip: "needs a mounted cgroup v2" } : {};
const name = (suffix: string): string => `/berth-test-${process.pid}-${suffix}`;

test("a cgroup takes limits and processes, counts them, and is gone when killed", needsCgroups, async () => {
  const path = `${name("limits")}/pod`;
  createCgroup(layout, path);
  try {
    const limits = {
      cpuShares: 512,
      cpuPeriod: 100_000,
      cpuQuota: 50_000,
      memoryLimitInBytes: 64 << 20,
      pidsLimit: 20,
    };
    assert.deepEqual(setCgroupResources(layout, path, limits), []);
    const child = spawn("sh", ["-c", "sleep 30 & sleep 30"], { stdio: "ignore" });
    await addToCgroup(layout, path, child.pid ?? 0);
    assert.ok(processesInCgroup(layout, name("limits")).includes(child.pid ?? 0));
    assert.ok(readCgroupUsage(layout, path).memoryBytes >= 0);
    assert.equal(oomKills(layout, path), 0);
    assert.equal(removeCgroup(layout, path), false);
    const memory = hierarchyFor(layout, "memory");
    assert.ok(memory !== undefined);
    const file = layout.version === "v2" ? "memory.max" : "memory.limit_in_bytes";
    assert.equal(readFileSync(join(cgroupDirectory(memory, path), file), "utf8").trim(), String(64 << 20));
  } finally {
    assert.equal(await killCgroup(layout, name("limits")), true);
  }
  for (const hierarchy of layout.hierarchies)
    assert.equal(existsSync(cgroupDirectory(hierarchy, name("limits"))), false);
});

test("on v2, processes in the way of handing controllers down move to a leaf", needsUnified, async () => {
  assert.ok(unified !== undefined);
  const path = name("leaf");
  const outer: CgroupLayout = { version: "v2", hierarchies: [unified] };
  createCgroup(outer, path);
  const child = spawn("sleep", ["30"], { stdio: "ignore" });
  try {
    await addToCgroup(outer, path, child.pid ?? 0);
    createCgroup(outer, `${path}/below`);
    const leaf = readFileSync(join(cgroupDirectory(unified, `${path}/init`), "cgroup.procs"), "utf8");
    assert.deepEqual(leaf.split("\n").filter(Boolean), [String(child.pid)]);
  } finally {
    assert.equal(await killCgroup(outer, path), true);
  }
});

test("a cgroup path cannot leave its hierarchy", () => {
  const hierarchy = { mountPoint: "/sys/fs/cgroup/memory", controllers: ["memory"] };
  assert.equal(cgroupDirectory(hierarchy, "../../../etc"), "/sys/fs/cgroup/memory/etc");
});

test("detectCgroups reads hybrid mounts, several controllers in one hierarchy included", () => {
  const mounts = parseMountInfo(
    [
      "30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755",
      "31 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
      "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct",
    ].join("\n"),
  );
  const detected = detectCgroups(mounts);
  assert.equal(detected.version, "v1");
  assert.equal(hierarchyFor(detected, "cpuacct")?.mountPoint, "/sys/fs/cgroup/cpu,cpuacct");
  assert.deepEqual(detected.hierarchies[0]?.controllers, ["name=systemd"]);
});

test("cpuWeight maps the ends and the default of shares as runtimes do", () => {
  assert.deepEqual([2, 1024, 262_144, 0].map(cpuWeight), [1, 39, 10_000, 1]);
});
