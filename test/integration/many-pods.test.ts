import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { containersWithEnvironment, pidsWithEnvironment } from "./host-processes.ts";
import { podManifest, SLEEP } from "./pod-manifest.ts";

const COUNT = 40;

describe("many pods", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  test("created at once they all run, each with an address of its own, and all end", async (t) => {
    await using fixture = await openClusterFixture();
    const { kubectl, registries } = fixture;
    const mark = `many-${process.pid}`;
    const container = { env: [{ name: "MANY_MARK", value: mark }] };
    const items = Array.from({ length: COUNT }, (_, index) => {
      const pod = podManifest({ name: `many-${index}`, image: registries.publicImage, command: SLEEP, container });
      return { ...pod, metadata: { ...pod.metadata, labels: { group: "many" } } };
    });
    const startedAt = performance.now();
    await kubectl.create({ apiVersion: "v1", kind: "List", items });
    await kubectl.ok(["wait", "pods", "-l", "group=many", "--for=condition=Ready", "--timeout=120s"], {
      timeoutMs: 130_000,
    });
    t.diagnostic(`${COUNT} pods ready after ${Math.round(performance.now() - startedAt)} ms`);
    const addresses = await kubectl.ok(["get", "pods", "-l", "group=many", "-o", "jsonpath={.items[*].status.podIP}"]);
    assert.equal(new Set(addresses.split(" ")).size, COUNT);
    assert.equal(containersWithEnvironment(`MANY_MARK=${mark}`).length, COUNT);
    await kubectl.ok(["delete", "pods", "-l", "group=many", "--timeout=90s"], { timeoutMs: 100_000 });
    assert.deepEqual(pidsWithEnvironment(`MANY_MARK=${mark}`), []);
  });
});
