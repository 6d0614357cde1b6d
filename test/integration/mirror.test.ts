import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { type ClusterFixture, openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { requires } from "../../src/testing/requires.ts";
import { openTestRegistries, PASSWORD, type TestRegistries, USER } from "../../src/testing/test-registries.ts";
import { guideBlocks, runCommands } from "./guide-commands.ts";
import { podManifest } from "./pod-manifest.ts";
import { messagesOf, waitForPhase, waitForReason } from "./pod-state.ts";

describe("mirrors", { skip: requires("root", "docker-registry", "busybox-static") }, () => {
  let registries: TestRegistries;
  let fixture: ClusterFixture;
  let directory: string;
  const writeRegistries = async (text: string) => await writeFile(join(directory, "registries.yaml"), text);
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "berth-mirror-"));
    registries = await openTestRegistries();
    const [block = ""] = await guideBlocks("use-a-mirror.md", "yaml");
    await writeRegistries(block.replace("mirror.example:5000", registries.publicHost));
    fixture = await openClusterFixture({ registries, privateRegistry: join(directory, "registries.yaml") });
  });
  after(async () => {
    await fixture[Symbol.asyncDispose]();
    await registries[Symbol.asyncDispose]();
    await rm(directory, { recursive: true });
  });

  test("a local mirror serves an image whose name and registry say nothing of it (seed: use-case-mirror)", async () => {
    const [commands = ""] = await guideBlocks("use-a-mirror.md", "sh");
    await runCommands(commands, fixture);
    await waitForPhase(fixture.kubectl, "mirrored", "Succeeded");
    assert.equal(await fixture.kubectl.ok(["logs", "mirrored"]), "SUCCESS\n");
  });

  test("a mistake in the file ends pulls with its line; mended, a mirror with a password and a rewrite serves", async () => {
    const { kubectl } = fixture;
    await writeRegistries("mirrors:\n  quay.io:\n    endpoints: []\n");
    await kubectl.create(podManifest({ name: "mistaken", image: "quay.io/company/app:v1", command: ["true"] }));
    await waitForReason(kubectl, "mistaken", "ErrImagePull");
    await writeRegistries(`
mirrors:
  quay.io:
    endpoint: ["http://${registries.privateHost}"]
    rewrite: {"^company/(.*)": "team/$1"}
configs:
  "${registries.privateHost}":
    auth: {username: ${USER}, password: ${PASSWORD}}
`);
    await kubectl.create(podManifest({ name: "rewritten", image: "quay.io/company/app:v1", command: ["true"] }));
    await waitForPhase(kubectl, "rewritten", "Succeeded");
    const [message = ""] = await messagesOf(kubectl, "mistaken", "Failed");
    assert.match(message, /registries\.yaml" line 3: unknown key "endpoints" in a mirror; did you mean "endpoint"\?/);
  });
});
