import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { buildBusyboxImage } from "../../src/testing/busybox-image.ts";
import { openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { openRegistrySimulator } from "../../src/testing/registry-simulator.ts";
import { requires } from "../../src/testing/requires.ts";
import { guideBlocks, runCommands } from "./guide-commands.ts";
import { waitForPhase } from "./pod-state.ts";
import { serving } from "./simulated-image.ts";

const skip = requires("root", "busybox-static");

test(
  "every command of the guide to proxies does what it says, with an authority of the registry's own",
  { skip },
  async () => {
    await using simulator = await openRegistrySimulator(["registry.example"]);
    simulator.play({ "registry.example": serving(await buildBusyboxImage()) });
    const directory = await mkdtemp(join(tmpdir(), "berth-proxy-"));
    try {
      await writeFile(join(directory, "ca.pem"), simulator.ca);
      const registries = 'configs: {registry.example: {tls: {ca_file: "ca.pem"}}}';
      await writeFile(join(directory, "registries.yaml"), registries);
      const [block = ""] = await guideBlocks("run-behind-a-proxy.md", "sh");
      const commands = block.replaceAll("proxy.example:3128", simulator.proxyUrl.host);
      // The test's own process starts the node: the environment of the guide is to be its own.
      for (const [, name = "", value = ""] of commands.matchAll(/^export (\w+)=(.*)$/gm)) process.env[name] = value;
      await using fixture = await openClusterFixture({
        registries: false,
        privateRegistry: join(directory, "registries.yaml"),
      });
      await runCommands(commands, fixture);
      await waitForPhase(fixture.kubectl, "proxied", "Succeeded");
      assert.equal(await fixture.kubectl.ok(["logs", "proxied"]), "SUCCESS\n");
      assert.ok(simulator.seen.some(({ path, scheme }) => scheme === "https" && path.includes("/blobs/")));
    } finally {
      await rm(directory, { recursive: true });
    }
  },
);
