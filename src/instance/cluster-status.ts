/** A part of a cluster that runs as a process of its own. */
export type RoleName = "control" | "node";

/** `failed`: ended and waits for its next start. */
export type RoleState = "starting" | "ready" | "failed" | "stopping" | "stopped";

export interface RoleStatus {
  readonly state: RoleState;
  /** Absent while no process runs. */
  readonly pid?: number;
  /** Starts beyond the first. */
  readonly restarts: number;
  /** Milliseconds from the process's start until it was ready. */
  readonly readyAfterMs?: number;
  /** One line about what runs: an address, the size of the machine. */
  readonly detail?: string;
  /** Why it failed last. */
  readonly error?: RoleError;
}

/** An error as it crosses a process border. */
export interface RoleError {
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
}

/** What the supervisor of a cluster knows about it. */
export interface ClusterStatus {
  readonly name: string;
  /** Version of Berth that runs. */
  readonly version: string;
  readonly ready: boolean;
  readonly phase: "starting" | "running" | "stopping" | "failed";
  /** URL of the API server. */
  readonly server: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly dataDir: string;
  readonly pids: Readonly<Partial<Record<RoleName | "supervisor", number>>>;
  readonly roles: Readonly<Partial<Record<RoleName, RoleStatus>>>;
}

/** What a client of the supervisor's socket may ask, one JSON line. Each is answered by `ClusterStatus` lines. */
export type SupervisorRequest =
  /** One line. */
  | { readonly command: "status" }
  /** A line at once and after every change. */
  | { readonly command: "watch" }
  /** Ends the pods with their grace, then everything; the connection ends last. */
  | { readonly command: "down" };
