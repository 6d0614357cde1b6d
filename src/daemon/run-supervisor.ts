import type { ClusterOptions } from "../instance/cluster-options.ts";
import type { ClusterStatus, RoleError } from "../instance/cluster-status.ts";
import type { Instance } from "../instance/open-instance.ts";
import { notifyServiceManager } from "./service-notification.ts";
import { startSupervisor } from "./supervisor.ts";

export interface RunSupervisorOptions {
  readonly version: string;
  readonly instance: Instance;
  readonly cluster: ClusterOptions;
  onStatus?(status: ClusterStatus): void;
}

/**
 * Runs a cluster as the main program of this process until SIGTERM or SIGINT, or until `berth down` asks over the socket.
 * Tells the service manager when it is ready. Returns the error where the cluster could not be started.
 */
export async function runSupervisor(options: RunSupervisorOptions): Promise<RoleError | undefined> {
  let isAnnounced = false;
  const supervisor = await startSupervisor({
    ...options,
    onStatus: (status) => {
      options.onStatus?.(status);
      if (!status.ready || isAnnounced) return;
      isAnnounced = true;
      void notifyServiceManager(`READY=1\nSTATUS=Serving on ${status.server}`);
    },
  });
  const stop = () => supervisor.end("stop");
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  const failure = await supervisor.ended;
  process.off("SIGTERM", stop);
  process.off("SIGINT", stop);
  await notifyServiceManager("STOPPING=1");
  return failure;
}
