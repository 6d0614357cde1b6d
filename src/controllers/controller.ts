import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { InformerFactory } from "../client/informer-factory.ts";
import type { RestClient } from "../client/rest-client.ts";
import { type Work, WorkQueue } from "../client/work-queue.ts";

/** What every controller gets. It asks for its informers before it first waits; somebody else runs them. */
export interface ControllerContext {
  readonly client: RestClient;
  readonly informers: InformerFactory;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A loop that brings what is to what should be, until its context's signal aborts. */
export type Controller = (context: ControllerContext) => Promise<void>;

/** Returns a queue whose failures are told as those of the controller `name`. */
export function controllerQueue(context: ControllerContext, name: string): WorkQueue {
  const onError = (key: string, error: unknown): void => {
    context.logger.warn({ controller: name, key, error: messageOf(error) }, "sync failed");
  };
  return new WorkQueue({ clock: context.clock, backoff: { initialMs: 5, maxMs: 60_000 }, onError });
}

/** Works on a queue's keys, once `synced` informers know all objects, until the context's signal aborts. */
export async function runQueue(
  context: ControllerContext,
  queue: WorkQueue,
  options: { readonly synced: readonly Promise<void>[]; readonly work: Work; readonly concurrency?: number },
): Promise<void> {
  await settledOrAborted(options.synced, context.signal);
  await queue.run(options.work, { signal: context.signal, concurrency: options.concurrency ?? 4 });
}

/** Waits for all promises, or for the signal. */
export async function settledOrAborted(promises: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => {
    resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  await Promise.race([Promise.all(promises), promise]);
  signal.removeEventListener("abort", stop);
}
