import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { ChildProcess } from "node:child_process";
import type { Command } from "commander";

import { packageVersion } from "../../base/package-version.ts";
import type { ClusterStatus, RoleError } from "../../instance/cluster-status.ts";
import { findInstance, openInstance, type Instance } from "../../instance/open-instance.ts";
import { askSupervisor, supervisorStatus } from "../../instance/supervisor-connection.ts";
import { checkHost } from "../check-host.ts";
import { CliError } from "../cli-error.ts";
import {
  addClusterFlags,
  clusterOptionsOf,
  instanceRequestOf,
  readFlags,
  type ClusterFlags,
} from "../cluster-flags.ts";
import { spawnSupervisor } from "../daemon-process.ts";
import { describePlace, StartProgress } from "../start-progress.ts";
import { addUserContext } from "../user-kubeconfig.ts";

/** `berth up`. */
export function defineUp(parent: Command): void {
  addClusterFlags(parent.command("up"))
    .description("Start a cluster in the background and wait until it is ready; safe to repeat")
    .addHelpText("after", EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      await up(await readFlags<ClusterFlags>(command));
    });
}

const EXAMPLES = `
Examples:
  berth up
  berth up --name demo --https-listen-port 0
  berth up --no-node --write-kubeconfig ./kubeconfig`;

async function up(flags: ClusterFlags): Promise<void> {
  const present = await findInstance(instanceRequestOf(flags));
  const status = present === undefined ? undefined : await supervisorStatus(present.paths.supervisorSocket);
  if (present !== undefined && status?.ready === true) return await sayRunning(flags, present);
  const progress = new StartProgress();
  if (flags.node) await checkHost(progress);
  const instance = await openInstance(instanceRequestOf(flags));
  const child = status === undefined ? await startSupervisor(instance, flags) : undefined;
  const ready = await untilReady(instance, child, progress);
  progress.ready(ready, await addUserContext({ instance, writeKubeconfig: flags.writeKubeconfig }));
}

async function sayRunning(flags: ClusterFlags, instance: Instance): Promise<void> {
  const place = await addUserContext({ instance, writeKubeconfig: flags.writeKubeconfig });
  process.stderr.write(`Cluster "${instance.record.name}" runs already. ${describePlace(place)}\n`);
}

async function startSupervisor(instance: Instance, flags: ClusterFlags): Promise<ChildProcess> {
  await mkdir(instance.paths.logsDir, { recursive: true, mode: 0o700 });
  await using output = await open(startLog(instance), "w", 0o600);
  const argument = { version: packageVersion(), instance, cluster: clusterOptionsOf(flags) };
  return spawnSupervisor(argument, output.fd);
}

/** What the supervisor itself says before its log is open, or when it crashes. */
function startLog(instance: Instance): string {
  return join(instance.paths.logsDir, "start.log");
}

async function untilReady(
  instance: Instance,
  child: ChildProcess | undefined,
  progress: StartProgress,
): Promise<ClusterStatus> {
  for await (const status of await connect(instance, child)) {
    progress.show(status);
    if (status.ready) return status;
    const failure = status.phase === "failed" ? failureOf(status) : undefined;
    if (failure !== undefined) throw new CliError("START_FAILED", failure.message, { hint: failure.hint });
  }
  throw await startFailed(instance);
}

/** Connects to the supervisor as soon as it listens. */
async function connect(instance: Instance, child: ChildProcess | undefined): Promise<AsyncIterable<ClusterStatus>> {
  const deadline = performance.now() + CONNECT_TIMEOUT_MS;
  while (performance.now() < deadline) {
    const answers = await askSupervisor(instance.paths.supervisorSocket, { command: "watch" });
    if (answers !== undefined) return answers;
    if (child !== undefined && child.exitCode !== null) break;
    await delay(CONNECT_RETRY_MS);
  }
  throw await startFailed(instance);
}

function failureOf(status: ClusterStatus): RoleError | undefined {
  return Object.values(status.roles).find((role) => role.error !== undefined)?.error;
}

async function startFailed(instance: Instance): Promise<CliError> {
  const said = await readFile(startLog(instance), "utf8").catch(() => "");
  const line = said.split("\n").find((text) => /\b\w*Error\b/.test(text)) ?? "its supervisor ended";
  return new CliError("START_FAILED", `Cannot start cluster "${instance.record.name}": ${line.trim()}`, {
    hint: `The logs are in ${instance.paths.logsDir}: berth logs --name ${instance.record.name}`,
  });
}

const CONNECT_TIMEOUT_MS = 20_000;
const CONNECT_RETRY_MS = 5;
