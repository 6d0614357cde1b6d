import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openKubectl } from "../../src/testing/kubectl.ts";
import { podManifest } from "./pod-manifest.ts";
import { podOf } from "./pod-state.ts";

const NOBODY = 65_534;

describe("a cluster without a node", () => {
  test("answers kubectl, validates, and leaves pods pending", async () => {
    await using fixture = await openClusterFixture({ node: false, registries: false });
    const { kubectl } = fixture;
    await kubectl.create(podManifest({ name: "waiting", image: "example.com/app:v1" }));
    const events = await kubectl.ok(["get", "nodes"]);
    const pod = await podOf(kubectl, "waiting");
    assert.deepEqual([events, pod.status?.phase, pod.spec?.nodeName], ["", "Pending", undefined]);
    assert.match(await kubectl.ok(["get", "pods"]), /waiting +0\/1 +Pending +0 +\S+/);
  });

  test(
    "needs no privilege: an ordinary user starts one",
    { skip: process.getuid?.() !== 0 && "needs root" },
    async () => {
      const home = await mkdtemp(join(tmpdir(), "berth-ordinary-"));
      await chown(home, NOBODY, NOBODY);
      await chmod(home, 0o700);
      const script = fileURLToPath(new URL("start-api-only.ts", import.meta.url));
      const child = spawn(process.execPath, [script], {
        uid: NOBODY,
        gid: NOBODY,
        cwd: home,
        env: { PATH: process.env["PATH"] ?? "", HOME: home, TMPDIR: home },
      });
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      await rm(home, { recursive: true });
      assert.equal(
        stdout,
        '{"uid":65534,"namespaces":["default","kube-node-lease","kube-public","kube-system"]}\n',
        stderr,
      );
    },
  );

  test("two at once do not touch one another", async () => {
    await using one = await openClusterFixture({ node: false, registries: false });
    await using two = await openClusterFixture({ node: false, registries: false });
    await one.kubectl.ok(["create", "namespace", "only-in-one"]);
    const names = await two.kubectl.ok(["get", "namespaces", "-o", "name"]);
    assert.deepEqual([names.includes("only-in-one"), one.cluster.server === two.cluster.server], [false, false]);
  });

  test("a stranger learns whether the server is well and gets 401 for all else, as kubectl says", async () => {
    await using fixture = await openClusterFixture({ node: false, registries: false });
    const { server } = fixture.cluster;
    const paths = [
      "/livez",
      "/readyz",
      "/",
      "/api",
      "/version",
      "/metrics",
      "/openapi/v3",
      "/api/v1/secrets",
      "/nonsense",
    ];
    const answers = await Promise.all(paths.map(async (path) => await anonymousStatus(`${server}${path}`)));
    await using stranger = await openKubectl("/dev/null");
    const flags = ["--server", server, "--insecure-skip-tls-verify", "--token=nobody"];
    const refused = await stranger.run(["get", "pods", ...flags]);
    assert.deepEqual(answers, [200, 200, 401, 401, 401, 401, 401, 401, 401]);
    assert.match(refused.stderr, /^error: You must be logged in to the server \(/m);
  });
});

/** Returns the status of a request without any credential. */
async function anonymousStatus(url: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const asking = request(url, { rejectUnauthorized: false }, (answer) => {
    answer.resume();
    resolve(answer.statusCode ?? 0);
  });
  asking.on("error", reject).end();
  return await promise;
}
