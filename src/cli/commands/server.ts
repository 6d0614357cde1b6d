import type { Command } from "commander";

import { packageVersion } from "../../base/package-version.ts";
import { openInstance } from "../../instance/open-instance.ts";
import { CliError } from "../cli-error.ts";
import type { CliHost } from "../cli-host.ts";
import type { CommandContext } from "../command-entry.ts";
import {
  addClusterFlags,
  clusterOptionsOf,
  instanceRequestOf,
  readFlags,
  type ClusterFlags,
} from "../cluster-flags.ts";
import { checkHost } from "../check-host.ts";
import { StartProgress } from "../start-progress.ts";
import { addUserContext } from "../user-kubeconfig.ts";

/** `berth server`. */
export function defineServer(parent: Command, { host }: CommandContext): void {
  addClusterFlags(parent.command("server"))
    .description(
      "Run a cluster in the foreground, for a service manager (systemd: Type=notify, KillMode=process, Delegate=yes)",
    )
    .addHelpText("after", "\nExamples:\n  berth server\n  berth server --config /etc/berth/config.yaml")
    .action(async (_flags: unknown, command: Command) => {
      await runServer(await readFlags<ClusterFlags>(command), host);
    });
}

async function runServer(flags: ClusterFlags, host: CliHost): Promise<void> {
  const progress = new StartProgress();
  if (flags.node) await checkHost(progress);
  const instance = await openInstance(instanceRequestOf(flags));
  let isAnnounced = false;
  const failure = await host.runSupervisor({
    version: packageVersion(),
    instance,
    cluster: clusterOptionsOf(flags),
    onStatus: (status) => {
      progress.show(status);
      if (!status.ready || isAnnounced) return;
      isAnnounced = true;
      void addUserContext({ instance, writeKubeconfig: flags.writeKubeconfig }).then((where) =>
        progress.ready(status, where),
      );
    },
  });
  if (failure !== undefined) throw new CliError("START_FAILED", failure.message, { hint: failure.hint });
}
