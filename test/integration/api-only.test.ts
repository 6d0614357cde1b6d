import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmod, chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
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

  test("anonymous requests get 401 and the kubeconfig's certificate is what lets kubectl in", async () => {
    await using fixture = await openClusterFixture({ node: false, registries: false });
    const { kubectl } = fixture;
    const anonymous = await kubectl.run(["get", "pods", "--client-certificate=", "--client-key=", "--token=nobody"]);
    assert.match(anonymous.stderr, /Unauthorized|must be logged in/);
    const whoami = await kubectl.ok(["get", "--raw", "/api"]);
    assert.match(whoami, /"versions":\["v1"\]/);
  });
});
