import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { disposable } from "../../src/base/disposable.ts";
import { openClusterFixture, type ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { LeakGuard } from "../../src/testing/leak-guard.ts";
import { requires } from "../../src/testing/requires.ts";
import { openTestRegistries } from "../../src/testing/test-registries.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";
import { podOf, waitForPhase } from "./pod-state.ts";

const run = promisify(execFile);

describe("clusters side by side", { skip: requires("root", "nft", "docker-registry", "busybox-static") }, () => {
  test("three run beside a firewall that drops what is forwarded, and leave nothing behind", async () => {
    const guard = await LeakGuard.open();
    const names = await runThreeClusters();
    const leaks = await guard.leaks([...names, FIREWALL_TABLE]);
    assert.deepEqual(leaks, []);
    assert.equal(names.length, 3);
  });
});

/** A table's name that nobody else has. */
const FIREWALL_TABLE = `docker_like_${process.pid}`;

/** Shows that three clusters work at the same time, ends them and returns their names. */
async function runThreeClusters(): Promise<string[]> {
  await using registries = await openTestRegistries();
  await using _firewall = await openDroppingFirewall();
  const fixtures = await Promise.all([1, 2, 3].map(async () => await openClusterFixture({ registries })));
  await using _clusters = disposable(async () => {
    await Promise.all(fixtures.map(async (fixture) => await fixture[Symbol.asyncDispose]()));
  });
  await Promise.all(fixtures.map(async (fixture) => await showsThatPodsReachEachOther(fixture)));
  const addresses = await Promise.all(
    fixtures.map(async ({ kubectl }) => (await podOf(kubectl, "server")).status?.podIP),
  );
  assert.equal(new Set(addresses).size, 3, `pod addresses overlap: ${addresses.join(", ")}`);
  return fixtures.map(({ cluster }) => cluster.name);
}

/** One pod serves HTTP on its address, another fetches it through the host's forwarding. */
async function showsThatPodsReachEachOther({ kubectl, registries }: ClusterFixture): Promise<void> {
  const image = registries.publicImage;
  const serve = ["sh", "-c", "mkdir /www; echo served > /www/index.html; exec httpd -f -p 8080 -h /www"];
  await kubectl.create(podManifest({ name: "server", image, command: serve }));
  await kubectl.create(podManifest({ name: "idle", image, command: SLEEP }));
  const server = await waitForPhase(kubectl, "server", "Running");
  // BusyBox's wget crashes where there is no C library for its name look-ups.
  const ask = String.raw`printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 2 ${server.status?.podIP} 8080 | tail -n 1 | grep .`;
  const fetch = ["sh", "-c", `for i in 1 2 3 4 5 6 7 8 9; do ${ask} && exit 0; sleep 0.3; done; exit 1`];
  await kubectl.create(podManifest({ name: "client", image, command: fetch }));
  await waitForPhase(kubectl, "client", "Succeeded");
  assert.equal(await kubectl.ok(["logs", "client"]), "served\n");
}

/** A table such as Docker's: it drops whatever is forwarded and not its own. */
async function openDroppingFirewall(): Promise<AsyncDisposable> {
  const rules = `table ip ${FIREWALL_TABLE} {
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
}
`;
  const path = join(tmpdir(), `${FIREWALL_TABLE}.nft`);
  await writeFile(path, rules);
  await run("nft", ["-f", path]);
  return disposable(async () => {
    await run("nft", ["delete", "table", "ip", FIREWALL_TABLE]);
    await rm(path);
  });
}
