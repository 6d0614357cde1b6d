import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Node, Pod } from "../api/core-v1.gen.ts";
import { NODES, PODS } from "../api/resource-types.ts";
import { type ApiServer, createApiServer } from "../apiserver/create-api-server.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { silentLogger } from "../base/log.ts";
import { createRestClient } from "../client/create-rest-client.ts";
import { type InformerFactory, createInformerFactory } from "../client/informer-factory.ts";
import { writeKubeconfig } from "../client/kubeconfig-file.ts";
import type { RestClient } from "../client/rest-client.ts";
import { timestamp } from "../client/timestamp.ts";
import { openKeys } from "../pki/cluster-keys.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import { runScheduler } from "../scheduler/run-scheduler.ts";
import { MemoryStorage } from "../storage/memory/memory-storage.ts";
import { runControllers } from "./run-controllers.ts";

/** A real API server with the controllers and the scheduler, each with its own certificate, and no node. */
export interface ControlPlane extends AsyncDisposable {
  /** The administrator's. */
  readonly client: RestClient;
  readonly kubeconfigPath: string;
  /** Ends the API server and starts another on the same port and what is stored. */
  restartServer(): Promise<void>;
}

/** What to run besides the API server. */
export interface ControlPlaneOptions {
  readonly controllers?: boolean;
  readonly scheduler?: boolean;
  /** The controllers' clock. */
  readonly clock?: Clock;
}

/** Starts a control plane that lives in memory. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "berth-control-"));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const keys = await openKeys(join(directory, "keys"));
  const storage = stack.use(new MemoryStorage());
  const start = async (port: number): Promise<ApiServer> => {
    const made = createApiServer({ storage, keys, logger: silentLogger, port });
    await made.start();
    return made;
  };
  let server = await start(0);
  stack.defer(() => server.close());
  const url = `https://127.0.0.1:${server.port}`;
  const ca = keys.ca.certificate;
  const clientOf = ({ certificate, key }: KeyPair): RestClient =>
    stack.use(createRestClient({ server: url, ca, cert: certificate, key }));
  const controller = new AbortController();
  const { signal } = controller;
  const running: Promise<void>[] = [];
  const factoryFor = (client: RestClient): InformerFactory => {
    const informers = createInformerFactory(client);
    running.push(informers.run(signal));
    return informers;
  };
  if (options.controllers !== false) {
    const client = clientOf(keys.controllerManager);
    const clock = options.clock ?? systemClock;
    running.push(runControllers({ client, informers: factoryFor(client), signal, rootCa: ca, clock }));
  }
  if (options.scheduler !== false) {
    const client = clientOf(keys.scheduler);
    running.push(runScheduler({ client, informers: factoryFor(client), signal }));
  }
  const { certificate: cert, key } = keys.admin;
  const kubeconfigPath = join(directory, "kubeconfig");
  await writeKubeconfig({ path: kubeconfigPath }, { name: "test", instance: "test", server: url, ca, cert, key });
  const client = clientOf(keys.admin);
  stack.defer(async () => {
    controller.abort();
    await Promise.all(running);
  });
  const moved = stack.move();
  const restartServer = async (): Promise<void> => {
    const { port } = server;
    await server.close();
    server = await start(port);
  };
  return { client, kubeconfigPath, restartServer, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

/** Makes a node as a kubelet that is ready would, with room for 110 pods. */
export async function addNode(
  client: RestClient,
  name: string,
  allocatable: Record<string, string> = {},
): Promise<Node> {
  const now = timestamp(Date.now());
  const ready = {
    type: "Ready",
    status: "True",
    reason: "KubeletReady",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const resources = { cpu: "4", memory: "8Gi", pods: "110", ...allocatable };
  const status = { capacity: resources, allocatable: resources, conditions: [ready] };
  return await client.create(NODES, { metadata: { name }, status });
}

/** Makes a pod of one container. */
export async function addPod(client: RestClient, name: string, spec: Partial<Pod["spec"]> = {}): Promise<Pod> {
  const containers = [{ name: "app", image: "busybox:1" }];
  return await client.create(PODS, { metadata: { name, namespace: "default" }, spec: { containers, ...spec } });
}
