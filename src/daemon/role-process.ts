import module from "node:module";

import { codeOf, messageOf } from "../base/coded-error.ts";
import { createLogger, type Logger } from "../base/log.ts";
import type { RoleError, RoleName } from "../instance/cluster-status.ts";
import type { RoleConfig, RoleOrder, RoleReport } from "./role-protocol.ts";

/** What a role's composition gets. */
export interface RoleContext {
  readonly config: RoleConfig;
  readonly logger: Logger;
  /** Aborts when the role is to end. */
  readonly signal: AbortSignal;
  /** Resolves when the API server can be asked. */
  readonly serving: Promise<void>;
  report(report: RoleReport): void;
  /** Ends the role with an error from which only a new start recovers. */
  fail(error: unknown): void;
}

/** A role that runs. */
export interface RunningRole {
  /** Ends the pods of this node with their grace. */
  drain?(): Promise<void>;
  /** Ends the role; containers stay. */
  close(): Promise<void>;
}

/**
 * Runs one role as the main program of this process, under a supervisor at the other end of the IPC channel: starts it,
 * obeys orders and ends in order when ordered to, on SIGTERM, and when the supervisor is gone.
 */
export async function runRoleProcess(
  name: RoleName,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<void> {
  const config = JSON.parse(process.argv[2] ?? "") as RoleConfig;
  const logger = createLogger({ role: name, level: config.options.verbosity > 0 ? "debug" : "info" });
  const orders = receiveOrders();
  // Heard by who waits for the end; until the role has started, nobody does.
  orders.end.promise.catch(() => {});
  try {
    const starting = start({
      config,
      logger,
      signal: orders.ended.signal,
      serving: orders.serving.promise,
      report: send,
      fail: (error) => orders.end.reject(error),
    });
    const role = await untilAborted(starting, orders.ended.signal);
    if (role !== undefined) await runUntilOrdered(role, orders, logger);
    logger.info({}, "role ended");
    process.exit(0);
  } catch (error) {
    logger.error({ error }, "role failed");
    send({ type: "failed", error: errorReport(error) });
    process.exit(1);
  }
}

type EndOrder = "stop" | "drain";

interface Orders {
  readonly serving: PromiseWithResolvers<void>;
  readonly end: PromiseWithResolvers<EndOrder>;
  /** Resolves when the role is to end without waiting for its pods. */
  readonly stop: PromiseWithResolvers<void>;
  readonly ended: AbortController;
}

function receiveOrders(): Orders {
  const orders: Orders = {
    serving: Promise.withResolvers(),
    end: Promise.withResolvers(),
    stop: Promise.withResolvers(),
    ended: new AbortController(),
  };
  const end = (order: EndOrder) => {
    orders.end.resolve(order);
    if (order === "stop") orders.stop.resolve();
    orders.ended.abort(new DOMException("The role is to end", "AbortError"));
  };
  process.on("message", (order: RoleOrder) => {
    if (order.type === "serving") orders.serving.resolve();
    else end(order.type);
  });
  process.once("disconnect", () => end("stop"));
  process.on("SIGTERM", () => end("stop"));
  // Ctrl-C reaches the whole process group; the supervisor decides what follows.
  process.on("SIGINT", () => {});
  return orders;
}

/** Returns what `starting` gives, undefined where the role is to end before it has started. */
async function untilAborted<T>(starting: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  try {
    return await starting;
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

async function runUntilOrdered(role: RunningRole, orders: Orders, logger: Logger): Promise<void> {
  // Written now, since a role may be killed and then nothing is written at its end.
  module.flushCompileCache();
  const order = await orders.end.promise;
  logger.info({ order }, "role ends");
  if (order === "drain") await Promise.race([role.drain?.(), orders.stop.promise]);
  await role.close();
}

function send(report: RoleReport): void {
  if (process.connected) process.send?.(report);
}

function errorReport(error: unknown): RoleError {
  const code = codeOf(error);
  const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  return {
    message: messageOf(error),
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
  };
}
