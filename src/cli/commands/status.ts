import { type Command, Option } from "commander";

import { packageVersion } from "../../base/package-version.ts";
import type { ClusterStatus, RoleStatus } from "../../instance/cluster-status.ts";
import { findInstance, type Instance } from "../../instance/open-instance.ts";
import { supervisorStatus } from "../../instance/supervisor-connection.ts";
import { addIdentityFlags, instanceRequestOf, readFlags, type IdentityFlags } from "../cluster-flags.ts";
import { OUTPUT_FORMATS, printObject, type OutputFormat } from "../print-object.ts";

/** `berth status`: exit code 0 when the cluster is ready, 1 otherwise. */
export function defineStatus(parent: Command): void {
  addIdentityFlags(parent.command("status"))
    .description("Show whether a cluster runs and is ready (exit code 0 when it is, 1 otherwise)")
    .addOption(new Option("-o, --output <format>", "for programs").choices(OUTPUT_FORMATS))
    .addHelpText("after", "\nExamples:\n  berth status\n  berth status -o json --name demo")
    .action(async (_flags: unknown, command: Command) => {
      const flags = await readFlags<IdentityFlags & { readonly output?: OutputFormat }>(command);
      const status = await statusOf(flags);
      if (flags.output === undefined) process.stdout.write(describe(status));
      else await printObject(status, flags.output);
      process.exitCode = status.ready ? 0 : 1;
    });
}

type ShownStatus = Omit<ClusterStatus, "phase"> & { readonly phase: ClusterStatus["phase"] | "stopped" | "absent" };

async function statusOf(flags: IdentityFlags): Promise<ShownStatus> {
  const instance = await findInstance(instanceRequestOf(flags));
  const running = instance === undefined ? undefined : await supervisorStatus(instance.paths.supervisorSocket);
  return running ?? statusOfStopped(flags, instance);
}

function statusOfStopped(flags: IdentityFlags, instance: Instance | undefined): ShownStatus {
  return {
    name: flags.name,
    version: packageVersion(),
    ready: false,
    phase: instance === undefined ? "absent" : "stopped",
    server: instance === undefined ? "" : `https://127.0.0.1:${instance.record.apiPort}`,
    kubeconfig: instance?.paths.kubeconfigFile ?? "",
    dataDir: instance?.paths.dataDir ?? "",
    pids: {},
    roles: {},
  };
}

function describe(status: ShownStatus): string {
  if (status.phase === "absent")
    return `Cluster "${status.name}" does not exist. Start it: berth up --name ${status.name}\n`;
  const rows = [
    ["cluster", `${status.name} (${status.ready ? "ready" : status.phase})`],
    ["version", status.version],
    ["server", status.server],
    ["kubeconfig", status.kubeconfig],
    ["data", status.dataDir],
    ...Object.entries(status.roles).map(([name, role]) => [name, describeRole(role)]),
  ];
  return rows.map(([key, value]) => `${(key ?? "").padEnd(12)}${value}\n`).join("");
}

function describeRole(role: RoleStatus): string {
  const parts = [role.state, role.pid === undefined ? "" : `pid ${role.pid}`, role.detail ?? ""];
  if (role.restarts > 0) parts.push(`restarted ${role.restarts} times`);
  if (role.error !== undefined) parts.push(`last error: ${role.error.message}`);
  return parts.filter((part) => part !== "").join(", ");
}
