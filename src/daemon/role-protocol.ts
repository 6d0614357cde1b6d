import type { ClusterOptions } from "../instance/cluster-options.ts";
import type { RoleError } from "../instance/cluster-status.ts";
import type { InstancePaths } from "../instance/instance-paths.ts";
import type { InstanceRecord } from "../instance/instance-record.ts";

/** All that a role needs to know at its start. Holds no secrets: it is an argument of the process, which everybody can read. */
export interface RoleConfig {
  readonly version: string;
  readonly record: InstanceRecord;
  readonly paths: InstancePaths;
  readonly options: ClusterOptions;
}

/** From a role to its supervisor. */
export type RoleReport =
  | { readonly type: "ready"; readonly detail: string }
  /** Why the role is not ready yet. */
  | { readonly type: "waiting"; readonly detail: string }
  /** The API server can be asked with the keys in the data directory. */
  | { readonly type: "serving" }
  /** The last word before an ordered end with an error. */
  | { readonly type: "failed"; readonly error: RoleError };

/** From the supervisor to a role. */
export type RoleOrder =
  /** Passed on from the control role's report. */
  | { readonly type: "serving" }
  /** Ends the role; containers stay. */
  | { readonly type: "stop" }
  /** Ends the role's pods with their grace, then the role. */
  | { readonly type: "drain" };
