import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";

import type { Command } from "commander";

import type { ClusterStatus } from "../../instance/cluster-status.ts";
import { findInstance, type Instance } from "../../instance/open-instance.ts";
import { askSupervisor } from "../../instance/supervisor-connection.ts";
import { CliError } from "../cli-error.ts";
import { addIdentityFlags, instanceRequestOf, readFlags, type IdentityFlags } from "../cluster-flags.ts";
import { spawnPurge } from "../daemon-process.ts";
import { removeUserContext } from "../user-kubeconfig.ts";

interface DownFlags extends IdentityFlags {
  readonly purge: boolean;
}

/** `berth down`; succeeds where there is nothing to end. */
export function defineDown(parent: Command): void {
  addIdentityFlags(parent.command("down"))
    .description(
      "End a cluster: its pods with their grace, then its processes, and remove its kubectl context; safe to repeat",
    )
    .option(
      "--purge",
      "then remove all it has left: data, mounts, namespaces, cgroups, interfaces, firewall rules",
      false,
    )
    .addHelpText("after", "\nExamples:\n  berth down\n  berth down --purge --name demo")
    .action(async (_flags: unknown, command: Command) => {
      await down(await readFlags<DownFlags>(command));
    });
}

async function down(flags: DownFlags): Promise<void> {
  const instance = await findInstance(instanceRequestOf(flags));
  if (instance === undefined) {
    process.stderr.write(`Cluster "${flags.name}" does not exist; nothing to do.\n`);
    return;
  }
  const startedAt = performance.now();
  const wasRunning = await endCluster(instance);
  await removeUserContext(instance);
  if (flags.purge) await purge(instance);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  const did = flags.purge ? `is gone, with all it had left (${seconds} s)` : `is down (${seconds} s)`;
  process.stderr.write(`Cluster "${flags.name}" ${wasRunning || flags.purge ? did : "is down already"}.\n`);
  if (!flags.purge)
    process.stderr.write(
      `Its data stays in ${instance.paths.dataDir}: berth up continues, berth down --purge removes it.\n`,
    );
}

/** Ends what runs; returns whether anything did. */
async function endCluster(instance: Instance): Promise<boolean> {
  const answers = await askSupervisor(instance.paths.supervisorSocket, { command: "down" });
  if (answers === undefined) return false;
  let last: ClusterStatus | undefined;
  for await (const status of answers) last = status;
  for (const pid of Object.values(last?.pids ?? {})) await processEnd(pid);
  return true;
}

/** The connection ends a moment before the process does. */
async function processEnd(pid: number): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && (await isRunning(pid))) await delay(10);
}

/** A process that has ended and waits for its parent does not run. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /^\d+ \(.*\) [^ZX]/s.test(stat);
}

async function purge(instance: Instance): Promise<void> {
  const child = spawnPurge({ instance });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code === 0) return;
  throw new CliError(
    "STOP_FAILED",
    `Cannot purge cluster "${instance.record.name}": something would not go, see above`,
    {
      hint: "It is safe to repeat: berth down --purge",
    },
  );
}
