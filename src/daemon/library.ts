import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { basename, join } from "node:path";

import { packageVersion } from "../base/package-version.ts";
import { createRestClient } from "../client/create-rest-client.ts";
import { loadKubeconfig } from "../client/kubeconfig.ts";
import type { RestClient } from "../client/rest-client.ts";
import type { ClusterStatus } from "../instance/cluster-status.ts";
import { openInstance } from "../instance/open-instance.ts";
import { type RegistryOptions, registryOptionsOf } from "../instance/registry-options.ts";
import { DaemonError } from "./daemon-error.ts";
import { purgeInstance } from "./purge-instance.ts";
import { startSupervisor, type Supervisor } from "./supervisor.ts";

export interface StartClusterOptions {
  /** Whether the cluster runs pods, which needs root; without a node it is the API alone. True by default. */
  readonly node?: boolean;
  /** Begins the cluster's name; `test` by default. What follows it makes it unique. */
  readonly name?: string;
  /** Name of the Node object; the host's name by default. */
  readonly nodeName?: string;
  readonly nodeExternalIp?: string;
  /** Admission plugins beside the default ones, e.g. `AlwaysPullImages`. */
  readonly admissionPlugins?: readonly string[];
  /** Lets pulls use this host's docker and kubelet credential files. False by default: a test must not depend on them. */
  readonly hostCredentials?: boolean;
  /** Path of a `registries.yaml`: mirrors and settings of registries. None of this host's by default. */
  readonly privateRegistry?: string;
  /** A `KubeletConfiguration` file with settings of the node, as an absolute path. */
  readonly kubeletConfig?: string;
  /** 1 and above for debug lines in the logs. */
  readonly verbosity?: number;
  /** How long to wait until it is ready; 30,000 by default. */
  readonly timeoutMs?: number;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
}

/** A cluster that lives as long as this program, or until disposed of; then nothing of it is left. */
export interface Cluster extends AsyncDisposable {
  readonly name: string;
  /** URL of the API server. */
  readonly server: string;
  /** The administrator's kubeconfig, in the cluster's own directory. */
  readonly kubeconfigPath: string;
  /** The same as YAML. */
  readonly kubeconfig: string;
  /** Talks to the API as the administrator. */
  readonly client: RestClient;
  /** Where the cluster keeps its data; logs are below `logs/`. */
  readonly dataDir: string;
  /** What its supervisor knows about it, its processes among it. */
  status(): ClusterStatus;
}

/**
 * Starts a cluster of its own in a temporary directory on free ports and returns when it is ready. Any number can run at
 * once. Throws `DaemonError` with code `NOT_PERMITTED` where a node is wanted without root, `START_FAILED` or `NOT_READY`.
 */
export async function startCluster(options: StartClusterOptions = {}): Promise<Cluster> {
  const node = options.node ?? true;
  if (node) requireRoot();
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), `berth-${options.name ?? "test"}-`));
  stack.defer(async () => await rm(dataDir, { recursive: true, force: true }));
  const name = basename(dataDir).slice("berth-".length).toLowerCase();
  const instance = await openInstance({ name, dataDir, apiPort: 0, kubeletPort: 0 });
  stack.defer(async () => await purgeInstance(instance));
  const supervisor = await startSupervisor({
    version: packageVersion(),
    instance,
    cluster: {
      node,
      nodeName: options.nodeName,
      nodeExternalIp: options.nodeExternalIp,
      admissionPlugins: options.admissionPlugins ?? [],
      verbosity: options.verbosity ?? 0,
      hostCredentials: options.hostCredentials ?? false,
      kubeletConfig: options.kubeletConfig,
      ...(options.privateRegistry === undefined ? {} : { registries: registriesOf(options.privateRegistry) }),
    },
  });
  stack.defer(async () => await endSupervisor(supervisor));
  await untilReady(
    supervisor,
    AbortSignal.any([AbortSignal.timeout(options.timeoutMs ?? 30_000), ...asList(options.signal)]),
  );
  const { config } = await loadKubeconfig({ path: instance.paths.kubeconfigFile });
  const client = stack.use(createRestClient(config));
  const kubeconfig = await readFile(instance.paths.kubeconfigFile, "utf8");
  const owned = stack.move();
  return {
    name,
    server: supervisor.status.server,
    kubeconfigPath: instance.paths.kubeconfigFile,
    kubeconfig,
    client,
    dataDir,
    status: () => supervisor.status,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function registriesOf(file: string): RegistryOptions {
  return { ...registryOptionsOf({ file }), hostsDirectories: [] };
}

function requireRoot(): void {
  if (userInfo().uid === 0) return;
  throw new DaemonError("NOT_PERMITTED", "Cannot start a cluster with a node: running containers needs root", {
    hint: "Start the API alone: startCluster({ node: false })",
  });
}

function asList<T>(value: T | undefined): T[] {
  return value === undefined ? [] : [value];
}

async function untilReady(supervisor: Supervisor, signal: AbortSignal): Promise<void> {
  const given = Promise.withResolvers<never>();
  const giveUp = () => given.reject(notReady(supervisor, signal.reason));
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const failure = await Promise.race([supervisor.ready, given.promise]);
    if (failure === undefined) return;
    throw new DaemonError("START_FAILED", failure.message, { hint: failure.hint });
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function notReady(supervisor: Supervisor, cause: unknown): DaemonError {
  const roles = Object.entries(supervisor.status.roles).map(([name, role]) => {
    const why = role.error === undefined ? "" : ` (${role.error.message})`;
    return `${name} is ${role.state}${why}`;
  });
  const message = `Cannot start cluster "${supervisor.status.name}": it is not ready in time: ${roles.join(", ")}`;
  return new DaemonError("NOT_READY", message, { cause });
}

async function endSupervisor(supervisor: Supervisor): Promise<void> {
  supervisor.end("stop");
  await supervisor.ended;
}
