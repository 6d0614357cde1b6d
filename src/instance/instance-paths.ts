import { join } from "node:path";

/** Every place and every kernel name that belongs to one cluster. */
export interface InstancePaths {
  readonly dataDir: string;
  readonly runDir: string;
  /** Cluster CA, certificates and keys. */
  readonly keysDir: string;
  /** The API server's database. */
  readonly storageFile: string;
  /** The administrator's kubeconfig. */
  readonly kubeconfigFile: string;
  /** Our own logs, one file a role. */
  readonly logsDir: string;
  /** Images, snapshots and the engine's database. */
  readonly engineDir: string;
  /** Held by the one process that owns `engineDir`. */
  readonly engineLock: string;
  /** Archives of images that the node loads when it starts. */
  readonly imagesDir: string;
  /** Socket of the running node's `berth.images.v1`. */
  readonly imagesSocket: string;
  readonly kubeletDir: string;
  /** Manifests of static pods. */
  readonly staticPodsDir: string;
  /** Container logs, laid out as Kubernetes does under `/var/log/pods`. */
  readonly podLogsDir: string;
  /** Socket of the supervisor. */
  readonly supervisorSocket: string;
  /** Held by the one supervisor of this data directory. */
  /** Directory that all clusters of this host share, for settings of the host. */
  readonly hostDir: string;
  readonly supervisorLock: string;
}

/** Returns the places of the cluster with this data directory and id. */
export function instancePaths(options: {
  readonly dataDir: string;
  readonly runRoot: string;
  readonly id: string;
}): InstancePaths {
  const { dataDir } = options;
  const runDir = join(options.runRoot, options.id);
  return {
    dataDir,
    runDir,
    keysDir: join(dataDir, "keys"),
    storageFile: join(dataDir, "control", "state.db"),
    kubeconfigFile: join(dataDir, "kubeconfig"),
    logsDir: join(dataDir, "logs"),
    engineDir: join(dataDir, "engine"),
    engineLock: join(dataDir, "engine.lock"),
    imagesDir: join(dataDir, "images"),
    imagesSocket: join(runDir, "images.sock"),
    kubeletDir: join(dataDir, "kubelet"),
    staticPodsDir: join(dataDir, "manifests"),
    podLogsDir: join(dataDir, "logs", "pods"),
    supervisorSocket: join(runDir, "supervisor.sock"),
    hostDir: join(options.runRoot, ".host"),
    supervisorLock: join(dataDir, "supervisor.lock"),
  };
}
