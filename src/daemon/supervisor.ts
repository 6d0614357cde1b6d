import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { FileLockError, lockFile } from "../base/file-lock.ts";
import { siblingModule } from "../base/sibling-module.ts";
import { SMALL_PROCESS_FLAGS } from "../base/small-process.ts";
import type { ClusterOptions } from "../instance/cluster-options.ts";
import type { ClusterStatus, RoleError, RoleName } from "../instance/cluster-status.ts";
import type { Instance } from "../instance/open-instance.ts";
import { DaemonError } from "./daemon-error.ts";
import type { RoleConfig, RoleReport } from "./role-protocol.ts";
import { RotatingLog } from "./rotating-log.ts";
import { SupervisedRole } from "./supervised-role.ts";
import { listenForRequests } from "./supervisor-socket.ts";

export interface SupervisorOptions {
  readonly version: string;
  readonly instance: Instance;
  readonly cluster: ClusterOptions;
  /** Returns the program of a role; by default the real one. */
  entryOf?(name: RoleName): URL;
  /** Gets every status after a change. */
  onStatus?(status: ClusterStatus): void;
}

/** Starts the roles of a cluster and keeps them running until told to end. */
export interface Supervisor {
  readonly status: ClusterStatus;
  /** Resolves when every role was ready for the first time, or with the error where the cluster could not be started. */
  readonly ready: Promise<RoleError | undefined>;
  /** Resolves when everything has ended: with the error where the cluster could not be started. */
  readonly ended: Promise<RoleError | undefined>;
  /** Ends the roles; with `drain` the pods first, with their grace. Idempotent; `stop` overtakes a `drain` that runs. */
  end(order: "stop" | "drain"): void;
}

/** Takes the data directory's lock and starts the roles. Throws `DaemonError` with code `ALREADY_RUNNING`. */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { paths } = options.instance;
  await mkdir(paths.runDir, { recursive: true, mode: 0o755 });
  const lock = await lockOnce(paths.supervisorLock, options.instance.record.name);
  const supervisor = new ClusterSupervisor(options, lock);
  await supervisor.start();
  return supervisor;
}

async function lockOnce(path: string, name: string): Promise<AsyncDisposable> {
  try {
    return await lockFile(path, { waitMs: 0 });
  } catch (error) {
    if (!(error instanceof FileLockError)) throw error;
    throw new DaemonError("ALREADY_RUNNING", `Cannot start cluster "${name}": it is running already`, { cause: error });
  }
}

class ClusterSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #lock: AsyncDisposable;
  readonly #roles = new Map<RoleName, SupervisedRole>();
  readonly #log: RotatingLog;
  readonly #logs: RotatingLog[] = [];
  readonly #ready = Promise.withResolvers<RoleError | undefined>();
  readonly #ended = Promise.withResolvers<RoleError | undefined>();
  readonly #watchers = new Set<() => void>();
  #phase: ClusterStatus["phase"] = "starting";
  #isServing = false;
  #ending: "stop" | "drain" | undefined;
  #failure: RoleError | undefined;
  #isOver = false;
  #socket: AsyncDisposable | undefined;

  constructor(options: SupervisorOptions, lock: AsyncDisposable) {
    this.#options = options;
    this.#lock = lock;
    this.#log = this.#openLog("supervisor");
    for (const name of options.cluster.node ? (["control", "node"] as const) : (["control"] as const)) {
      this.#roles.set(name, this.#createRole(name));
    }
  }

  get ready(): Promise<RoleError | undefined> {
    return this.#ready.promise;
  }

  get ended(): Promise<RoleError | undefined> {
    return this.#ended.promise;
  }

  get status(): ClusterStatus {
    const { record, paths } = this.#options.instance;
    const roles = Object.fromEntries([...this.#roles].map(([name, role]) => [name, role.status]));
    const pids = Object.fromEntries(
      [...this.#roles].flatMap(([name, role]) => (role.status.pid === undefined ? [] : [[name, role.status.pid]])),
    );
    return {
      name: record.name,
      version: this.#options.version,
      ready: this.#phase === "running" && [...this.#roles.values()].every((role) => role.status.state === "ready"),
      phase: this.#phase,
      server: `https://127.0.0.1:${record.apiPort}`,
      kubeconfig: paths.kubeconfigFile,
      dataDir: paths.dataDir,
      pids: { supervisor: process.pid, ...pids },
      roles,
    };
  }

  async start(): Promise<void> {
    this.#socket = await listenForRequests(this.#options.instance.paths.supervisorSocket, {
      status: () => this.status,
      subscribe: (listener) => {
        this.#watchers.add(listener);
        return () => this.#watchers.delete(listener);
      },
      down: () => this.end("drain"),
    });
    for (const role of this.#roles.values()) role.start();
  }

  end(order: "stop" | "drain"): void {
    if (this.#isOver || this.#ending === "stop" || this.#ending === order) return;
    const isFirst = this.#ending === undefined;
    this.#ending = order;
    this.#phase = "stopping";
    this.#say("info", `cluster ends: ${order}`);
    for (const role of this.#roles.values()) role.hold();
    if (isFirst) void this.#stopRoles(order);
    else this.#roles.get("node")?.order({ type: "stop" });
  }

  async #stopRoles(order: "stop" | "drain"): Promise<void> {
    try {
      // The node first: it reports the end of its pods to the API.
      await this.#roles.get("node")?.stop(order, order === "drain" ? DRAIN_TIMEOUT_MS : STOP_TIMEOUT_MS);
      await this.#roles.get("control")?.stop("stop", STOP_TIMEOUT_MS);
    } catch (error) {
      this.#say("error", messageOf(error));
    } finally {
      if (this.#failure !== undefined) this.#phase = "failed";
      this.#changed();
      this.#isOver = true;
      await this.#socket?.[Symbol.asyncDispose]();
      await this.#lock[Symbol.asyncDispose]();
      for (const log of this.#logs) log.close();
      this.#ready.resolve(this.#failure);
      this.#ended.resolve(this.#failure);
    }
  }

  #createRole(name: RoleName): SupervisedRole {
    const { instance, cluster, version } = this.#options;
    const config: RoleConfig = { version, record: instance.record, paths: instance.paths, options: cluster };
    return new SupervisedRole({
      name,
      entry: this.#options.entryOf?.(name) ?? siblingModule(import.meta.url, `${name}-main`),
      config,
      log: this.#openLog(name),
      nodeFlags: SMALL_PROCESS_FLAGS,
      onChange: () => this.#changed(),
      onReport: (report) => this.#receive(name, report),
    });
  }

  #openLog(name: string): RotatingLog {
    const log = new RotatingLog(join(this.#options.instance.paths.logsDir, `${name}.log`));
    this.#logs.push(log);
    return log;
  }

  #receive(name: RoleName, report: RoleReport): void {
    if (report.type === "serving") {
      this.#isServing = true;
      this.#roles.get("node")?.order({ type: "serving" });
    }
    if (report.type === "failed") {
      this.#say("error", `${name} failed: ${report.error.message}`);
      this.#giveUp(report.error);
    }
  }

  #changed(): void {
    const roles = [...this.#roles].map(([, role]) => role.status);
    if (this.#phase === "starting" && roles.length > 0 && roles.every((role) => role.state === "ready")) {
      this.#phase = "running";
      this.#ready.resolve(undefined);
      this.#say("info", "cluster is ready");
    }
    for (const [name, role] of this.#roles) {
      if (role.failures >= MAX_FIRST_FAILURES) this.#giveUp(role.status.error ?? { message: `${name} ends at once` });
    }
    this.#tellNode();
    for (const watcher of this.#watchers) watcher();
    this.#options.onStatus?.(this.status);
  }

  /** What cannot be started the first time needs its user, not another try. */
  #giveUp(error: RoleError): void {
    if (this.#phase !== "starting") return;
    this.#failure ??= error;
    this.end("stop");
  }

  /** A node role that was started anew needs to hear again that the API serves. */
  #tellNode(): void {
    const node = this.#roles.get("node");
    if (this.#isServing && node?.status.state === "starting") node.order({ type: "serving" });
  }

  #say(level: "info" | "error", message: string): void {
    const line = { level, time: new Date().toISOString(), role: "supervisor", pids: this.status.pids, msg: message };
    this.#log.write(`${JSON.stringify(line)}\n`);
  }
}

/** A crash may be chance; as many in a row are not. */
const MAX_FIRST_FAILURES = 5;
const STOP_TIMEOUT_MS = 10_000;
/** Pods may ask for a long grace; past this bound the node role is killed and its containers stay. */
const DRAIN_TIMEOUT_MS = 3_600_000;
