import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { hostname, networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { mountPointsUnder } from "./mount.ts";
import { insideNamespace, pinNewNamespaces, setHostname, setSysctl, unpinNamespace } from "./namespaces.ts";
import { bringInterfaceUp } from "./network-interface.ts";

const asRoot = process.getuid?.() === 0 ? {} : { skip: "needs root" };

test("pinned namespaces keep their host name, parameters and interfaces, and ours stay ours", asRoot, () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-namespaces-"));
  const pins = { net: join(directory, "net"), ipc: join(directory, "ipc"), uts: join(directory, "uts") };
  const before = { name: hostname(), net: readlinkSync("/proc/thread-self/ns/net") };
  try {
    pinNewNamespaces(pins, () => {
      setHostname("pod-name");
      setSysctl("net.ipv4.ip_unprivileged_port_start", "7");
      bringInterfaceUp("lo");
    });
    assert.deepEqual({ name: hostname(), net: readlinkSync("/proc/thread-self/ns/net") }, before);
    assert.equal(insideNamespace("uts", pins.uts, hostname), "pod-name");
    const inside = insideNamespace("net", pins.net, () => ({
      interfaces: Object.keys(networkInterfaces()),
      port: readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8").trim(),
    }));
    assert.deepEqual(inside, { interfaces: ["lo"], port: "7" });
  } finally {
    for (const path of Object.values(pins)) unpinNamespace(path);
    assert.deepEqual(mountPointsUnder(directory), []);
    rmSync(directory, { recursive: true });
  }
});

test("when setting a new namespace up fails, nothing stays pinned and ours stay ours", asRoot, () => {
  const directory = mkdtempSync(join(tmpdir(), "berth-namespaces-"));
  const before = readlinkSync("/proc/thread-self/ns/net");
  const fail = (): never => {
    throw new Error("refused");
  };
  assert.throws(() => pinNewNamespaces({ net: join(directory, "net") }, fail), /refused/);
  assert.equal(readlinkSync("/proc/thread-self/ns/net"), before);
  assert.deepEqual(mountPointsUnder(directory), []);
  rmSync(directory, { recursive: true });
});
