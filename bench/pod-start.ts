/**
 * From create to Running, the image present: ten pods of a cluster, one after another, seen by a watch of the API. Beside it
 * `podman kube play` of a pod of the same image and `runc run` of the same root, in the same run. `-o json` prints every run.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { Pod } from "../src/api/core-v1.gen.ts";
import { PODS } from "../src/api/resource-types.ts";
import { openClusterFixture, type ClusterFixture } from "../src/testing/cluster-fixture.ts";
import { debianProgram } from "../src/testing/debian-program.ts";
import { report, timesOf, type Measurement } from "./measurement.ts";

const RUNS = 10;
const BUSYBOX = debianProgram("busybox-static", "bin/busybox");

const run = promisify(execFile);
const notes: string[] = [];
const root = await mkdtemp(join(tmpdir(), "berth-bench-"));
try {
  await using fixture = await openClusterFixture();
  const ours = await timePods(fixture);
  report([ours, await timePodman(fixture), await timeRunc()].flat(), notes);
} finally {
  await rm(root, { recursive: true, force: true });
}

async function timePods(fixture: ClusterFixture): Promise<Measurement> {
  // The first pod brings the image and wakes what sleeps.
  await startPod(fixture, "warm-up");
  const runs = await timesOf(
    RUNS,
    async (index) => await startPod(fixture, `pod-${index}`),
    async () => await new Promise((resolve) => setTimeout(resolve, 500)),
  );
  return { what: "Berth, create to Running", state: "image present", unit: "ms", runs };
}

async function startPod({ cluster, registries }: ClusterFixture, name: string): Promise<void> {
  const { client } = cluster;
  const created = await client.create(PODS, podOf(name, registries.publicImage), { namespace: "default" });
  const watch = client.watch(PODS, {
    namespace: "default",
    fieldSelector: `metadata.name=${name}`,
    resourceVersion: created.metadata?.resourceVersion ?? "0",
    signal: AbortSignal.timeout(60_000),
  });
  for await (const event of watch) {
    if (event.type !== "BOOKMARK" && event.object.status?.phase === "Running") return;
  }
  throw new Error(`pod "${name}" did not start`);
}

function podOf(name: string, image: string): Pod {
  const command = ["sleep", "600"];
  const containers = [{ name: "main", image, imagePullPolicy: "IfNotPresent", command }];
  const spec = { containers, terminationGracePeriodSeconds: 1 };
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "default" }, spec };
}

async function timePodman({ registries }: ClusterFixture): Promise<Measurement[]> {
  const version = await run("podman", ["--version"]).catch(() => undefined);
  if (version === undefined) {
    notes.push("podman is missing: apt-get install --no-install-recommends --no-remove podman");
    return [];
  }
  const podman = await podmanIn(join(root, "podman"));
  const manifest = join(root, "pod.json");
  await podman("pull", "--tls-verify=false", registries.publicImage);
  const down = async () => await podman("kube", "down", manifest);
  const play = async () => {
    await writeFile(manifest, JSON.stringify(podOf("bench-podman", registries.publicImage)));
    await podman("kube", "play", manifest);
  };
  await play();
  await down();
  const runs = await timesOf(RUNS, play, down);
  // podman keeps its store mounted on itself, which keeps it from being removed.
  await run("umount", ["--recursive", join(root, "podman/store/overlay")]).catch(() => undefined);
  return [{ what: `podman kube play (${version.stdout.trim()})`, state: "image present", unit: "ms", runs }];
}

/** Returns podman with a store of its own. Its default limits are above what a machine without CAP_SYS_RESOURCE may set. */
async function podmanIn(directory: string): Promise<(...args: string[]) => Promise<void>> {
  await mkdir(directory);
  const config = join(directory, "containers.conf");
  const engine = 'runtime = "runc"\ncgroup_manager = "cgroupfs"';
  await writeFile(
    config,
    `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\n${engine}\n`,
  );
  const env = { ...process.env, CONTAINERS_CONF: config };
  const place = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  return async (...args) => void (await run("podman", [...place, ...args], { env }));
}

/** The bound: one container without network, image or log keeping. */
async function timeRunc(): Promise<Measurement> {
  const bundle = join(root, "bundle");
  await mkdir(join(bundle, "rootfs/bin"), { recursive: true });
  await cp(BUSYBOX, join(bundle, "rootfs/bin/busybox"));
  await run("runc", ["spec"], { cwd: bundle });
  const config = JSON.parse(await readFile(join(bundle, "config.json"), "utf8")) as {
    process: Record<string, unknown>;
  };
  config.process = { ...config.process, terminal: false, args: ["/bin/busybox", "true"] };
  await writeFile(join(bundle, "config.json"), JSON.stringify(config));
  const state = ["--root", join(root, "runc")];
  const runs = await timesOf(
    RUNS,
    async (index) => void (await run("runc", [...state, "run", "--bundle", bundle, `bound-${index}`])),
  );
  return { what: "runc run (bound)", state: "warm", unit: "ms", runs };
}
