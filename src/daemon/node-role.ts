import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { availableParallelism, homedir, totalmem } from "node:os";
import { join } from "node:path";

import { createRestClient } from "../client/create-rest-client.ts";
import type { RestClient } from "../client/rest-client.ts";
import { createRuntimeService, type ContainerService } from "../containers/container-service.ts";
import { imagesInUse } from "../containers/images-in-use.ts";
import { nodeFileSearchPaths } from "../credentials/node-files.ts";
import { serveImages } from "../cri/serve-images.ts";
import type { NodeImages } from "../images/image-service.ts";
import { readKubeletConfiguration } from "../kubelet/kubelet-configuration.ts";
import type { KubeletConfig } from "../kubelet/kubelet-options.ts";
import { createKubelet, type Kubelet } from "../kubelet/kubelet.ts";
import { readKeyPair } from "../pki/key-pair-file.ts";
import type { KeyPair } from "../pki/key-pair.ts";
import { DaemonError } from "./daemon-error.ts";
import { nodeIdentity } from "./node-identity.ts";
import { nodeReady } from "./node-ready.ts";
import { openImageStore } from "./open-image-store.ts";
import type { RoleContext, RunningRole } from "./role-process.ts";

/** Composes the node role: the engine, and over it the kubelet, which joins the API as on any other machine. */
export async function startNode(context: RoleContext): Promise<RunningRole> {
  const { config, signal } = context;
  const kubeletConfig = await readKubeletConfig(context);
  await using stack = new AsyncDisposableStack();
  // The engine opens while the API server starts; neither needs the other.
  const [engine, keys] = await Promise.all([openEngine(context, stack), readNodeKeys(context)]);
  // Before the kubelet asks for them: with the policy Never it would fail pods whose image is about to come.
  await engine.images.loadDirectory(config.paths.imagesDir, signal);
  const client = stack.use(createRestClient(restConfigOf(context, keys)));
  const kubelet = stack.use(composeKubelet(context, { engine, keys, client, kubeletConfig }));
  await kubelet.start();
  const { name } = nodeIdentity(config);
  await nodeReady({ client, name, signal, onWaiting: (detail) => context.report({ type: "waiting", detail }) });
  context.report({ type: "ready", detail: `${name} ready, ${machineSize()}` });
  const running = stack.move();
  return {
    drain: async () => await kubelet.drain(),
    close: async () => await running.disposeAsync(),
  };
}

interface NodeEngine {
  readonly images: NodeImages;
  readonly runtime: ContainerService;
}

async function openEngine({ config, logger, signal }: RoleContext, stack: AsyncDisposableStack): Promise<NodeEngine> {
  const { paths, record, version, options } = config;
  const { metadata, images } = stack.use(
    await openImageStore({ paths, registries: options.registries, logger, signal }),
  );
  const runtime = stack.use(
    await createRuntimeService({
      root: paths.engineDir,
      runRoot: paths.runDir,
      hostRunRoot: paths.hostDir,
      instance: record.id,
      version,
      metadata,
      images,
      snapshotter: images.snapshotter,
      logger,
    }),
  );
  stack.use(
    await serveImages(
      paths.imagesSocket,
      images.administer(() => imagesInUse(metadata)),
    ),
  );
  return { images, runtime };
}

interface NodeKeyFiles {
  readonly ca: string;
  readonly client: KeyPair;
  readonly serving: KeyPair;
}

/** The control role makes the keys; a node reads its own two and the authority's certificate, and no other. */
async function readNodeKeys({ config, serving, signal }: RoleContext): Promise<NodeKeyFiles> {
  await untilServing(serving, signal);
  const { keysDir } = config.paths;
  const [ca, client, server] = await Promise.all([
    readFile(join(keysDir, "ca.pem"), "utf8"),
    readKeyPair(join(keysDir, "kubelet-client.pem")),
    readKeyPair(join(keysDir, "kubelet.pem")),
  ]);
  if (client === undefined || server === undefined) {
    throw new DaemonError("START_FAILED", `Cannot start the node: its keys are missing in "${keysDir}"`);
  }
  // The file holds the authority's key too.
  return { ca: new X509Certificate(ca).toString(), client, serving: server };
}

async function untilServing(serving: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    await Promise.race([serving, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function restConfigOf({ config }: RoleContext, keys: NodeKeyFiles): Parameters<typeof createRestClient>[0] {
  const { certificate, key } = keys.client;
  return { server: `https://127.0.0.1:${config.record.apiPort}`, ca: keys.ca, cert: certificate, key };
}

interface KubeletParts {
  readonly engine: NodeEngine;
  readonly keys: NodeKeyFiles;
  readonly client: RestClient;
  readonly kubeletConfig: KubeletConfig;
}

/** Returns the settings that the user's file has for the node. Throws where it cannot be used. */
async function readKubeletConfig({ config, logger }: RoleContext): Promise<KubeletConfig> {
  const path = config.options.kubeletConfig;
  if (path === undefined) return {};
  const found = await readKubeletConfiguration(path);
  for (const field of found.unhonoured) logger.warn({ path, field }, "a setting of the kubelet has no effect");
  return found.config;
}

function composeKubelet({ config, logger }: RoleContext, parts: KubeletParts): Kubelet {
  const { engine, keys, client, kubeletConfig } = parts;
  const { paths, record, options } = config;
  const { name, ip } = nodeIdentity(config);
  const places = { rootDir: paths.kubeletDir, workingDir: process.cwd(), home: homedir() };
  return createKubelet({
    client,
    ...engine,
    nodeName: name,
    rootDir: paths.kubeletDir,
    logsDir: paths.podLogsDir,
    nodeIps: [ip],
    listen: { host: "0.0.0.0", port: record.kubeletPort },
    serving: keys.serving,
    clientCa: keys.ca,
    config: {
      staticPodPath: paths.staticPodsDir,
      ...kubeletConfig,
      podCidr: record.podCidr,
      credentialFiles: options.hostCredentials ? nodeFileSearchPaths(places) : [],
      ...(options.nodeExternalIp === undefined ? {} : { externalIp: options.nodeExternalIp }),
    },
    logger,
  });
}

function machineSize(): string {
  const cpus = availableParallelism();
  return `${cpus} ${cpus === 1 ? "CPU" : "CPUs"}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
}
