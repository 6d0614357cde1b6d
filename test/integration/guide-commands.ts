import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import type { ClusterFixture } from "../../src/testing/cluster-fixture.ts";
import { KUBECTL_PATH } from "../../src/testing/kubectl.ts";

const BERTH = fileURLToPath(new URL("../../bin/berth", import.meta.url));

/** Returns the blocks of a language in a guide of `docs/how-to`. */
export async function guideBlocks(guide: string, language: string): Promise<string[]> {
  const page = await readFile(fileURLToPath(new URL(`../../docs/how-to/${guide}`, import.meta.url)), "utf8");
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))].map(
    ([, block = ""]) => block,
  );
}

/** Runs a block of commands with `berth` and `kubectl` meaning the fixture's cluster. Throws an `Error` with their output where one fails. */
export async function runCommands(commands: string, { cluster, directory }: ClusterFixture): Promise<void> {
  const berth = `exec ${process.execPath} ${BERTH} "$@" --name ${cluster.name} --data-dir ${cluster.dataDir}`;
  const kubectl = `exec ${KUBECTL_PATH} --kubeconfig ${cluster.kubeconfigPath} "$@"`;
  await writeFile(join(directory, "berth"), `#!/bin/sh\n${berth}\n`, { mode: 0o755 });
  await writeFile(join(directory, "kubectl"), `#!/bin/sh\n${kubectl}\n`, { mode: 0o755 });
  const env = {
    ...process.env,
    PATH: `${directory}:${process.env["PATH"]}`,
    KUBECONFIG: join(directory, "kubeconfig"),
  };
  const shell = spawn("bash", ["-e", "-c", commands], { cwd: directory, env, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors] = await Promise.all([text(shell.stdout), text(shell.stderr), once(shell, "close")]);
  if (shell.exitCode !== 0) throw new Error(`${commands}\n${output}${errors}`);
}
