import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { type ClusterFixture, openClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { KUBECTL_PATH } from "../../src/testing/kubectl.ts";
import { requires } from "../../src/testing/requires.ts";
import { waitForPhase } from "./pod-state.ts";

const GUIDES = fileURLToPath(new URL("../../docs/how-to", import.meta.url));
const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

const skip = requires("root", "docker-registry", "busybox-static");

/** How many commands each guide has, and the pod that they start. */
const EXPECTED = [
  { guide: "pre-pull.md", commands: 11, pod: "pulled" },
  { guide: "run-without-the-internet.md", commands: 8, pod: "app" },
] as const;

for (const { guide, commands: count, pod } of EXPECTED) {
  test(`every command of the guide ${guide} does what it says`, { skip }, async () => {
    await using fixture = await openClusterFixture();
    const { cluster, directory, registries, kubectl } = fixture;
    await writeCommands(fixture);
    const commands = commandsIn(await readFile(join(GUIDES, guide), "utf8"));
    assert.equal(commands.length, count);
    for (const command of commands) {
      const here = command
        .replaceAll("registry.example:5000/team/app:v3", registries.publicImage)
        .replaceAll("registry.internal:5000/team/app:v3", `${registries.publicHost}/internal/app:v3`)
        .replaceAll("/var/lib/berth/berth", cluster.dataDir);
      const shell = spawn("bash", ["-e", "-o", "pipefail", "-c", here], {
        cwd: directory,
        env: { ...process.env, PATH: `${directory}:${process.env["PATH"]}` },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const output = await Promise.all([text(shell.stdout), text(shell.stderr), once(shell, "close")]);
      assert.equal(shell.exitCode, 0, `${command}\n${output[0]}${output[1]}`);
    }
    await waitForPhase(kubectl, pod, "Running");
  });
}

/** Makes the commands mean the cluster of this test, as they mean the only one on a node. */
async function writeCommands({ cluster, directory }: ClusterFixture): Promise<void> {
  const berth = `exec ${process.execPath} ${BERTH} "$@" --name ${cluster.name} --data-dir ${cluster.dataDir}`;
  const kubectl = `exec ${KUBECTL_PATH} --kubeconfig ${cluster.kubeconfigPath} "$@"`;
  await writeFile(join(directory, "berth"), `#!/bin/sh\n${berth}\n`, { mode: 0o755 });
  await writeFile(join(directory, "kubectl"), `#!/bin/sh\n${kubectl}\n`, { mode: 0o755 });
}

function commandsIn(guide: string): string[] {
  return [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) => block.trim().split("\n"));
}
