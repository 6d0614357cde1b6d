import { mkdir, open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import type { ChildProcess } from "node:child_process";
import { InvalidArgumentError, type Command } from "commander";

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
import { describePlace, nameFlag, StartProgress } from "../start-progress.ts";
import { addUserContext } from "../user-kubeconfig.ts";

/** `berth up`. */
export function defineUp(parent: Command): void {
  addClusterFlags(parent.command("up"))
    .description("Start a cluster in the background and wait until it is ready; safe to repeat")
    .option("--timeout <seconds>", "how long to wait until it is ready", toSeconds, 60)
    .addHelpText("after", EXAMPLES)
    .action(async (_flags: unknown, command: Command) => {
      await up(await readFlags<UpFlags>(command));
    });
}

const EXAMPLES = `
Examples:
  berth up
  berth up --name demo --https-listen-port 0
  berth up --no-node --write-kubeconfig ./kubeconfig`;

interface UpFlags extends ClusterFlags {
  readonly timeout: number;
}

function toSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new InvalidArgumentError("It is not a number of seconds.");
}

async function up(flags: UpFlags): Promise<void> {
  const present = await findInstance(instanceRequestOf(flags));
  const status = present === undefined ? undefined : await supervisorStatus(present.paths.supervisorSocket);
  if (present !== undefined && status?.ready === true) return await sayRunning(flags, present);
  const progress = new StartProgress();
  if (flags.node) await checkHost(progress);
  const instance = await openInstance(instanceRequestOf(flags));
  const child = status === undefined ? await startSupervisor(instance, flags) : undefined;
  const ready = await untilReady({ instance, child, progress, timeoutMs: flags.timeout * 1000 });
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

interface Start {
  readonly instance: Instance;
  readonly child: ChildProcess | undefined;
  readonly progress: StartProgress;
  readonly timeoutMs: number;
}

async function untilReady({ instance, child, progress, timeoutMs }: Start): Promise<ClusterStatus> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let last: ClusterStatus | undefined;
  for await (const status of await connect(instance, child, timeout)) {
    last = status;
    progress.show(status);
    if (status.ready) return status;
    const failure = status.phase === "failed" ? failureOf(status) : undefined;
    if (failure !== undefined)
      throw new CliError("START_FAILED", failure.message, { hint: failure.hint ?? logsHint(instance) });
  }
  if (timeout.aborted) throw notReady(instance, last, timeoutMs);
  throw await startFailed(instance);
}

/** It goes on starting: only the waiting ends. */
function notReady(instance: Instance, status: ClusterStatus | undefined, timeoutMs: number): CliError {
  const late = Object.entries(status?.roles ?? {}).filter(([, role]) => role.state !== "ready");
  const why = late.map(
    ([name, role]) => `${name} is ${role.state}: ${role.error?.message ?? role.detail ?? "no word yet"}`,
  );
  const message = `Cannot see cluster "${instance.record.name}" ready within ${timeoutMs / 1000} s: ${why.join("; ")}`;
  return new CliError("START_FAILED", message, { hint: logsHint(instance) });
}

function logsHint({ record, paths }: Instance): string {
  return `The logs are in ${paths.logsDir}: berth logs${nameFlag(record.name)}`;
}

/** Connects to the supervisor as soon as it listens. */
async function connect(
  instance: Instance,
  child: ChildProcess | undefined,
  signal: AbortSignal,
): Promise<AsyncIterable<ClusterStatus>> {
  while (!signal.aborted) {
    const answers = await askSupervisor(instance.paths.supervisorSocket, { command: "watch" }, signal);
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
  const failure = said.split("\n").flatMap(parseFailure).at(-1);
  const crash = said.split("\n").find((text) => /\b\w*Error\b/.test(text)) ?? "its supervisor ended";
  const message = failure?.message ?? `Cannot start cluster "${instance.record.name}": ${crash.trim()}`;
  return new CliError("START_FAILED", message, { hint: failure?.hint ?? logsHint(instance) });
}

function parseFailure(line: string): RoleError[] {
  try {
    const failure: unknown = JSON.parse(line);
    const isFailure = typeof failure === "object" && failure !== null && "message" in failure;
    return isFailure ? [failure as RoleError] : [];
  } catch {
    return [];
  }
}

const CONNECT_RETRY_MS = 5;
