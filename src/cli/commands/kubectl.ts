import { spawn } from "node:child_process";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

import type { Command } from "commander";

import { findProgram, isExecutable } from "../../preflight/find-program.ts";
import { CliError } from "../cli-error.ts";
import { addIdentityFlags, existingInstance, readFlags, type IdentityFlags } from "../cluster-flags.ts";

/** `berth kubectl …`: flags of ours stand before kubectl's own words. */
export function defineKubectl(parent: Command): void {
  addIdentityFlags(parent.command("kubectl"))
    .description("Run kubectl against a cluster, whatever the current context")
    .argument("[args...]", "what kubectl gets")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText("after", "\nExamples:\n  berth kubectl get pods -A\n  berth kubectl --name demo get nodes")
    .action(async (args: readonly string[], _flags: unknown, command: Command) => {
      const instance = await existingInstance(await readFlags<IdentityFlags>(command), "run kubectl against");
      process.exitCode = await runKubectl(args, instance.paths.kubeconfigFile);
    });
}

async function runKubectl(args: readonly string[], kubeconfig: string): Promise<number> {
  const child = spawn(await kubectlPath(), args, { stdio: "inherit", env: { ...process.env, KUBECONFIG: kubeconfig } });
  // The terminal sends Ctrl-C to both: kubectl decides what it means.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}

async function kubectlPath(): Promise<string> {
  const onPath = await findProgram("kubectl");
  if (onPath !== undefined) return onPath;
  const pinned = fileURLToPath(new URL("../../../.cache/kubectl/kubectl", import.meta.url));
  if (await isExecutable(pinned)) return pinned;
  throw new CliError("KUBECTL_MISSING", 'Cannot run "kubectl": it is not on the PATH', {
    hint: "Install it: https://kubernetes.io/docs/tasks/tools/",
  });
}
