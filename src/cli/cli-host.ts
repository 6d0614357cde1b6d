import type { ClusterOptions } from "../instance/cluster-options.ts";
import type { ClusterStatus, RoleError } from "../instance/cluster-status.ts";
import type { Instance } from "../instance/open-instance.ts";

/** What the command line borrows from the program it is part of. */
export interface CliHost {
  /** Runs a cluster in this process until it is told to end; returns the error where it could not be started. */
  runSupervisor(options: {
    readonly version: string;
    readonly instance: Instance;
    readonly cluster: ClusterOptions;
    onStatus?(status: ClusterStatus): void;
  }): Promise<RoleError | undefined>;
}
