import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startCluster, type Cluster, type StartClusterOptions } from "../daemon/library.ts";
import { openKubectl, type Kubectl } from "./kubectl.ts";
import { openTestRegistries, type TestRegistries } from "./test-registries.ts";

/** What scenarios ask for: the options of the library's cluster, and registries. */
export interface ClusterFixtureOptions extends StartClusterOptions {
  /** Registries to use in place of new ones; they stay open. With `false` there are none. */
  readonly registries?: TestRegistries | false;
}

/** A cluster of its own with the real kubectl and registries: all that a scenario touches. Disposing of it leaves nothing. */
export interface ClusterFixture extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly kubectl: Kubectl;
  /** Throws an `Error` where the fixture was opened without registries. */
  readonly registries: TestRegistries;
  /** A temporary directory for manifests. */
  readonly directory: string;
}

/** Starts a cluster, its registries and its kubectl. */
export async function openClusterFixture(options: ClusterFixtureOptions = {}): Promise<ClusterFixture> {
  const { registries: wanted, ...clusterOptions } = options;
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "berth-scenario-"));
  stack.defer(async () => await rm(directory, { recursive: true, force: true }));
  const registries = wanted ?? stack.use(await openTestRegistries());
  const cluster = stack.use(await startCluster(clusterOptions));
  const kubectl = stack.use(await openKubectl(cluster.kubeconfigPath));
  const owned = stack.move();
  return {
    cluster,
    kubectl,
    directory,
    get registries() {
      if (registries === false) throw new Error("Cannot use registries: the fixture was opened without them");
      return registries;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
