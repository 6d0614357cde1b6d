import { createInformerFactory } from "../client/informer-factory.ts";
import { createRestClient } from "../client/create-rest-client.ts";
import type { RestClient } from "../client/rest-client.ts";
import { runControllers } from "../controllers/run-controllers.ts";
import type { ClusterKeys } from "../pki/cluster-keys.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import { runScheduler } from "../scheduler/run-scheduler.ts";
import type { RoleContext } from "./role-process.ts";

/** Runs controllers and scheduler until disposed of; each has its own identity, and they share one set of informers. */
export function runComponents({ logger }: RoleContext, server: string, keys: ClusterKeys): AsyncDisposable {
  const clientOf = (pair: KeyPair): RestClient =>
    createRestClient({ server, ca: keys.ca.certificate, cert: pair.certificate, key: pair.key });
  const stop = new AbortController();
  const manager = clientOf(keys.controllerManager);
  const scheduler = clientOf(keys.scheduler);
  const informers = createInformerFactory(manager, { logger });
  const shared = { informers, signal: stop.signal, logger };
  const running = [
    runControllers({ ...shared, client: manager, rootCa: keys.ca.certificate }),
    runScheduler({ ...shared, client: scheduler }),
    informers.run(stop.signal),
  ];
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.allSettled(running);
      await Promise.allSettled([manager, scheduler].map(async (client) => await client[Symbol.asyncDispose]()));
    },
  };
}
