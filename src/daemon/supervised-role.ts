import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { compileCacheDirectory } from "../base/compile-cache-directory.ts";
import { backoffDelay } from "../base/retry.ts";
import { smallProcessEnvironment } from "../base/small-process.ts";
import type { RoleError, RoleName, RoleState, RoleStatus } from "../instance/cluster-status.ts";
import type { RoleConfig, RoleOrder, RoleReport } from "./role-protocol.ts";
import type { RotatingLog } from "./rotating-log.ts";

export interface SupervisedRoleOptions {
  readonly name: RoleName;
  readonly entry: URL;
  readonly config: RoleConfig;
  readonly log: RotatingLog;
  readonly nodeFlags: readonly string[];
  /** Called after every change of `status`. */
  onChange(): void;
  onReport(report: RoleReport): void;
}

/** One role and the process that runs it, started anew whenever that ends without order. */
export class SupervisedRole {
  readonly #options: SupervisedRoleOptions;
  #child: ChildProcess | undefined;
  #state: RoleState = "stopped";
  #restarts = -1;
  #startedAt = 0;
  #failures = 0;
  #readyAfterMs: number | undefined;
  #detail: string | undefined;
  #error: RoleError | undefined;
  /** The last word of the process that runs, if it said why it ends. */
  #reported: RoleError | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #isHeld = false;
  /** The end of what the process wrote. */
  #said = "";

  constructor(options: SupervisedRoleOptions) {
    this.#options = options;
  }

  /** Ends in a row that came soon after their starts. */
  get failures(): number {
    return this.#failures;
  }

  get status(): RoleStatus {
    return {
      state: this.#state,
      restarts: Math.max(0, this.#restarts),
      ...(this.#child?.pid === undefined ? {} : { pid: this.#child.pid }),
      ...(this.#readyAfterMs === undefined ? {} : { readyAfterMs: this.#readyAfterMs }),
      ...(this.#detail === undefined ? {} : { detail: this.#detail }),
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }

  start(): void {
    const { entry, config, log, nodeFlags } = this.#options;
    this.#restarts++;
    const child = fork(fileURLToPath(entry), [JSON.stringify(config)], {
      execArgv: [...nodeFlags],
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    this.#reported = undefined;
    this.#startedAt = performance.now();
    this.#said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        log.write(chunk);
        this.#said = (this.#said + chunk.toString("latin1")).slice(-MAX_SAID_LENGTH);
      });
    }
    child.on("message", (report: RoleReport) => this.#receive(report));
    child.on("error", (error) => (this.#reported = { message: error.message }));
    // Not "exit": what the process said last may arrive after that.
    child.once("close", (code, signal) => this.#ended(signal ?? `exit code ${code}`));
    this.#change("starting");
  }

  order(order: RoleOrder): void {
    if (this.#child?.connected === true) this.#child.send(order, ignore);
  }

  /** Lets the role end without being started again. */
  hold(): void {
    this.#isHeld = true;
    clearTimeout(this.#restartTimer);
  }

  /** Ends the role. Resolves when its process is gone: by SIGKILL where it does not end within `timeoutMs`. */
  async stop(order: "stop" | "drain", timeoutMs: number): Promise<void> {
    this.hold();
    const child = this.#child;
    this.#change("stopping");
    if (child !== undefined) {
      const exit = new Promise((resolve) => child.once("close", resolve));
      this.order({ type: order });
      const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      await exit;
      clearTimeout(timer);
    }
    this.#change("stopped");
  }

  #environment(): NodeJS.ProcessEnv {
    const env = { ...smallProcessEnvironment(), NODE_COMPILE_CACHE: compileCacheDirectory() };
    // What a failpoint killed must be able to run again.
    return this.#restarts === 0 ? env : { ...env, BERTH_FAILPOINTS: "" };
  }

  #receive(report: RoleReport): void {
    if (report.type === "ready") {
      this.#readyAfterMs = Math.round(performance.now() - this.#startedAt);
      this.#detail = report.detail;
      this.#error = undefined;
      // The word may cross with the order to end.
      if (this.#state !== "stopping") this.#change("ready");
    }
    if (report.type === "waiting") {
      this.#detail = report.detail;
      this.#options.onChange();
    }
    // Told at once: the process may end under an order that its own failure has brought.
    if (report.type === "failed") this.#reported = this.#error = report.error;
    this.#options.onReport(report);
  }

  #ended(how: string): void {
    this.#child = undefined;
    this.#detail = undefined;
    if (this.#state === "stopping" || this.#state === "stopped") return;
    // A role that ran for a while was sound: its next start need not wait.
    this.#failures = performance.now() - this.#startedAt > STABLE_MS ? 0 : this.#failures + 1;
    this.#error = this.#reported ?? { message: `${this.#options.name} ended (${how})${this.#crashReason()}` };
    if (!this.#isHeld) this.#startLater();
    this.#change("failed");
  }

  #startLater(): void {
    const ms = this.#failures === 0 ? 0 : backoffDelay(this.#failures - 1, BACKOFF);
    this.#restartTimer = setTimeout(() => this.start(), ms);
  }

  /** What Node wrote of an error that nobody caught. */
  #crashReason(): string {
    const line = this.#said.split("\n").findLast((text) => /^(?:Uncaught )?\w*Error\b.*: ./.test(text));
    return line === undefined ? "" : `: ${line.slice(0, 500)}`;
  }

  #change(state: RoleState): void {
    this.#state = state;
    this.#options.onChange();
  }
}

/** A process that is ending does not hear; its end is seen all the same. */
const ignore = (): void => {};
const MAX_SAID_LENGTH = 8192;
const STABLE_MS = 10_000;
const BACKOFF = { initialMs: 100, maxMs: 30_000 };
