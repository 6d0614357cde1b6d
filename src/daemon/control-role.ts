import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import { createApiServer } from "../apiserver/create-api-server.ts";
import { codeOf } from "../base/coded-error.ts";
import { createInformerFactory } from "../client/informer-factory.ts";
import { createRestClient } from "../client/create-rest-client.ts";
import { writeKubeconfig } from "../client/kubeconfig-file.ts";
import type { RestClient } from "../client/rest-client.ts";
import { runControllers } from "../controllers/run-controllers.ts";
import { type ClusterKeys, openKeys } from "../pki/cluster-keys.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import { runScheduler } from "../scheduler/run-scheduler.ts";
import { openSqliteStorage } from "../storage/sqlite/sqlite-storage.ts";
import { DaemonError } from "./daemon-error.ts";
import { nodeIdentity } from "./node-identity.ts";
import type { RoleContext, RunningRole } from "./role-process.ts";

/** Composes the control role: storage, API server, and over HTTPS to it the controllers and the scheduler. */
export async function startControl(context: RoleContext): Promise<RunningRole> {
  const { config, logger } = context;
  const { paths, record, options } = config;
  await using stack = new AsyncDisposableStack();
  const [keys, storage] = await Promise.all([openControlKeys(context), openStorage(context, stack)]);
  const api = createApiServer({
    storage,
    keys,
    logger,
    port: record.apiPort,
    enableAdmissionPlugins: options.admissionPlugins,
  });
  stack.use(api);
  await listening(api.start(), record.apiPort);
  const server = `https://127.0.0.1:${api.port}`;
  await writeAdminKubeconfig({ path: paths.kubeconfigFile, name: record.name, instance: paths.dataDir, server, keys });
  context.report({ type: "serving" });
  stack.use(runComponents(context, server, keys));
  context.report({ type: "ready", detail: server });
  const running = stack.move();
  return { close: async () => await running.disposeAsync() };
}

async function openStorage({ config }: RoleContext, stack: AsyncDisposableStack): ReturnType<typeof openSqliteStorage> {
  const path = config.paths.storageFile;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return stack.use(await openSqliteStorage({ path }));
}

async function openControlKeys({ config }: RoleContext): Promise<ClusterKeys> {
  const { name, ip } = nodeIdentity(config);
  const names = [ip, config.options.nodeExternalIp ?? ip];
  const node = config.options.node ? { node: { name, names } } : {};
  return await openKeys(config.paths.keysDir, { names: [ip], ...node });
}

async function listening(start: Promise<void>, port: number): Promise<void> {
  try {
    await start;
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE") throw error;
    throw new DaemonError("START_FAILED", `Cannot listen on port ${port}: another program does`, {
      cause: error,
      hint: "See which: ss -ltnp\nOr choose another: berth up --https-listen-port 0",
    });
  }
}

interface AdminKubeconfig {
  readonly path: string;
  readonly name: string;
  readonly instance: string;
  readonly server: string;
  readonly keys: ClusterKeys;
}

async function writeAdminKubeconfig({ path, name, instance, server, keys }: AdminKubeconfig): Promise<void> {
  const { certificate, key } = keys.admin;
  await writeKubeconfig({ path }, { name, instance, server, ca: keys.ca.certificate, cert: certificate, key });
}

/** Runs controllers and scheduler until disposed of; each has its own identity, and they share one set of informers. */
function runComponents({ logger }: RoleContext, server: string, keys: ClusterKeys): AsyncDisposable {
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
