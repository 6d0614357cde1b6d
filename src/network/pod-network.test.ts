import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { run } from "../base/process/run.ts";
import { insideNamespace, pinNewNamespaces, unpinNamespace } from "../linux/namespaces.ts";
import { bringInterfaceUp } from "../linux/network-interface.ts";
import { CniPlugins } from "./cni.ts";
import { enableIpForwarding, restoreIpForwarding } from "./ip-forwarding.ts";
import { PodNetwork } from "./pod-network.ts";

const isRoot = process.getuid?.() === 0;
const lacks = new CniPlugins().missing(["ptp", "host-local"]);
const skip = !isRoot ? "needs root" : lacks.length > 0 ? `needs CNI plugins ${lacks.join(", ")}` : undefined;
const POD_CIDR = "100.127.99.0/29";

describe("network", skip === undefined ? {} : { skip }, () => {
  let directory: string;
  let network: PodNetwork;
  let rulesBefore: string;
  const ruleset = async (): Promise<string> => (await run(["nft", "list", "ruleset"])).stdout.toString();
  const instance = `test-${process.pid}`;

  before(async () => {
    rulesBefore = await ruleset();
    directory = mkdtempSync("/run/berth-network-");
    network = new PodNetwork({ instance, dataDir: join(directory, "cni"), hostDir: directory });
  });

  after(async () => {
    await network.purge(POD_CIDR);
    assert.equal(await ruleset(), rulesBefore);
    assert.equal(existsSync(join(directory, "cni")), false);
    rmSync(directory, { recursive: true });
  });

  test("no pod gets an address before the range is known", async () => {
    assert.equal(network.status.ready, false);
    await assert.rejects(network.add("early", "/nowhere"), { name: "NetworkError", code: "NOT_CONFIGURED" });
  });

  test("a pod gets an address that the host reaches, and gives it back", async () => {
    await network.configure(POD_CIDR);
    await network.configure(POD_CIDR);
    assert.deepEqual(network.status, { ready: true, reason: "", message: "" });
    const interfaces = Object.keys(networkInterfaces()).length;
    const netns = join(directory, "pod");
    pinNewNamespaces({ net: netns }, () => bringInterfaceUp("lo"));
    try {
      const { ip } = await network.add("pod", netns);
      const inside = insideNamespace("net", netns, networkInterfaces);
      assert.equal(inside["eth0"]?.find((entry) => entry.family === "IPv4")?.address, ip);
      const ping = await run(["ping", "-c", "1", "-W", "2", ip]).catch(() => undefined);
      if (ping !== undefined) assert.equal(ping.exitCode, 0);
      await network.remove("pod", netns);
      await network.remove("pod", netns);
    } finally {
      unpinNamespace(netns);
    }
    assert.equal(Object.keys(networkInterfaces()).length, interfaces);
    assert.equal(readdirSync(join(directory, "cni", `berth-${instance}`)).includes("pod"), false);
  });

  test("when all addresses are in use the next pod is refused, and strays are given back at the start", async () => {
    await network.configure(POD_CIDR);
    const pins = Array.from({ length: 6 }, (_, index) => join(directory, `full-${index}`));
    for (const net of pins) pinNewNamespaces({ net });
    try {
      // /29: six hosts, one of them the gateway.
      await Promise.all(pins.slice(0, 5).map((netns, index) => network.add(`full-${index}`, netns)));
      await assert.rejects(network.add("full-5", pins[5] ?? ""), { code: "NO_FREE_ADDRESS" });
      assert.equal(await network.reconcile(new Set(["full-0", "full-1", "full-2", "full-3"])), 1);
      await network.add("full-5", pins[5] ?? "");
      assert.equal(await network.reconcile(new Set()), 5);
    } finally {
      for (const path of pins) unpinNamespace(path);
    }
  });

  test("a forward chain of somebody else that drops is mended, once, and left as it was", async () => {
    const table = `berth-docker-like-${process.pid}`;
    const rules = `table ip ${table} {\n chain FORWARD {\n type filter hook forward priority filter; policy drop;\n }\n}\n`;
    const file = join(directory, "docker.nft");
    writeFileSync(file, rules);
    assert.equal((await run(["nft", "-f", file])).exitCode, 0);
    try {
      await network.configure(POD_CIDR);
      await network.configure(POD_CIDR);
      const listing = (await run(["nft", "list", "table", "ip", table])).stdout.toString();
      assert.equal(listing.split("\n").filter((line) => line.includes(`comment "berth-${instance}"`)).length, 2);
      await network.purge(POD_CIDR);
      const left = (await run(["nft", "list", "table", "ip", table])).stdout.toString();
      assert.doesNotMatch(left, /berth-test/);
    } finally {
      await run(["nft", "delete", "table", "ip", table]);
    }
  });
});

test("forwarding is put back when the last of several clusters leaves", { skip: !isRoot && "needs root" }, async () => {
  const directory = mkdtempSync("/run/berth-forwarding-");
  const sysctl = join(directory, "ip_forward");
  writeFileSync(sysctl, "0\n");
  const shared = { directory: join(directory, "host"), sysctl };
  const value = (): string => readFileSync(sysctl, "utf8").trim();
  await enableIpForwarding({ ...shared, instance: "a" });
  await enableIpForwarding({ ...shared, instance: "b" });
  await enableIpForwarding({ ...shared, instance: "b" });
  assert.equal(value(), "1");
  await restoreIpForwarding({ ...shared, instance: "a" });
  assert.equal(value(), "1");
  await restoreIpForwarding({ ...shared, instance: "b" });
  await restoreIpForwarding({ ...shared, instance: "b" });
  assert.equal(value(), "0");
  rmSync(directory, { recursive: true });
});
