import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApiServer, createApiServer } from "../apiserver/create-api-server.ts";
import { createLogger } from "../base/log.ts";
import { type ClusterKeys, openKeys } from "../pki/cluster-keys.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import { openSqliteStorage } from "../storage/sqlite/sqlite-storage.ts";
import type { Storage } from "../storage/storage.ts";

/** What a test may choose. */
export interface TestApiServerOptions {
  readonly enableAdmissionPlugins?: readonly string[];
  /** 10.0.0.0/24 by default. */
  readonly serviceRange?: string;
  /** A node to have keys for. */
  readonly nodeName?: string;
}

/** An API server with its storage and keys in a temporary directory. Disposing of it leaves nothing. */
export interface TestApiServer extends AsyncDisposable {
  readonly server: ApiServer;
  readonly storage: Storage;
  readonly keys: ClusterKeys;
  /** As in `https://127.0.0.1:6443`. */
  readonly url: string;
  /** A kubeconfig of the administrator. */
  readonly kubeconfigPath: string;
  readonly directory: string;
  /** Stops the server and starts another on the same data; answers at another port. */
  restart(): Promise<TestApiServer>;
}

/** Starts an API server alone: no controllers, no scheduler, no node. */
export async function startTestApiServer(options: TestApiServerOptions = {}): Promise<TestApiServer> {
  const directory = await mkdtemp(join(tmpdir(), "berth-api-server-"));
  return await startIn(directory, options);
}

async function startIn(directory: string, options: TestApiServerOptions): Promise<TestApiServer> {
  const node = options.nodeName === undefined ? {} : { node: { name: options.nodeName } };
  const keys = await openKeys(join(directory, "keys"), node);
  const storage = await openSqliteStorage({ path: join(directory, "store.db") });
  const logger = createLogger({ role: "control", level: "warn" });
  const { enableAdmissionPlugins = [], serviceRange = "10.0.0.0/24" } = options;
  const server = createApiServer({ storage, keys, logger, port: 0, enableAdmissionPlugins, serviceRange });
  await server.start();
  const url = `https://127.0.0.1:${server.port}`;
  const kubeconfigPath = join(directory, "kubeconfig");
  await writeFile(kubeconfigPath, testKubeconfig(url, keys, keys.admin));
  const stop = async () => {
    await server.close();
    await storage[Symbol.asyncDispose]();
  };
  return {
    server,
    storage,
    keys,
    url,
    kubeconfigPath,
    directory,
    restart: async () => {
      await stop();
      return await startIn(directory, options);
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Returns a kubeconfig by which `user` reaches a server. JSON is YAML too. */
export function testKubeconfig(server: string, { ca }: Pick<ClusterKeys, "ca">, user: KeyPair): string {
  const encode = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": encode(ca.certificate) } }],
    users: [
      {
        name: "test",
        user: {
          "client-certificate-data": encode(user.certificate),
          "client-key-data": encode(user.key.reveal()),
        },
      },
    ],
  });
}
