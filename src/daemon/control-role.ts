import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import { codeOf } from "../base/coded-error.ts";
import { type ClusterKeys, openKeys } from "../pki/cluster-keys.ts";
import { openSqliteStorage } from "../storage/sqlite/sqlite-storage.ts";
import type { Storage } from "../storage/storage.ts";
import { DaemonError } from "./daemon-error.ts";
import { nodeIdentity } from "./node-identity.ts";
import type { RoleContext, RunningRole } from "./role-process.ts";

/** Composes the control role: storage, API server, and over HTTPS to it the controllers and the scheduler. */
export async function startControl(context: RoleContext): Promise<RunningRole> {
  const { config, logger } = context;
  const { paths, record, options } = config;
  await using stack = new AsyncDisposableStack();
  // The storage's thread starts while this one imports what stands on it.
  const [storage, keys, { createApiServer }] = await Promise.all([
    openStorage(context),
    openControlKeys(context),
    import("../apiserver/create-api-server.ts"),
  ]);
  stack.use(storage);
  const api = createApiServer({
    storage,
    keys,
    logger,
    port: record.apiPort,
    serviceRange: record.serviceCidr,
    enableAdmissionPlugins: options.admissionPlugins,
  });
  stack.use(api);
  await listening(api.start(), record.apiPort);
  const server = `https://127.0.0.1:${api.port}`;
  await writeAdminKubeconfig({ path: paths.kubeconfigFile, name: record.name, instance: paths.dataDir, server, keys });
  context.report({ type: "serving" });
  const { runComponents } = await import("./control-components.ts");
  stack.use(runComponents(context, server, keys));
  context.report({ type: "ready", detail: server });
  const running = stack.move();
  return { close: async () => await running.disposeAsync() };
}

async function openStorage(context: RoleContext): Promise<Storage> {
  const path = context.config.paths.storageFile;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await openSqliteStorage({ path, onFailure: (error) => context.fail(error) });
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
  const { writeKubeconfig } = await import("../client/kubeconfig-file.ts");
  const { certificate, key } = keys.admin;
  await writeKubeconfig({ path }, { name, instance, server, ca: keys.ca.certificate, cert: certificate, key });
}
