/**
 * Cold pulls of generated images from one local registry into empty stores: Berth, the raw bound, containerd and podman, each
 * on a file system made for it, one after another in turns. `--image=NAME` and `--compression=gzip|zstd` choose, `--scale=0.1`
 * makes the images smaller, `--runs=5`, `--only=Berth` takes the pullers whose name starts so, `--peers=DIRECTORY` finds
 * programs of Debian packages unpacked there; `-o json` prints every run.
 */
import { mkdir } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { parseManifest } from "../src/oci/manifest.ts";
import { debianProgram } from "../src/testing/debian-program.ts";
import { startDockerRegistry } from "../src/testing/docker-registry.ts";
import { pushImage } from "../src/testing/push-image.ts";
import { makeFreshFilesystem } from "./fresh-filesystem.ts";
import { type Measurement, report } from "./measurement.ts";
import { watchMemory } from "./process-usage.ts";
import { berth, containerd, missingPrograms, podman, type PulledImage, type Puller, rawBound } from "./pullers.ts";
import { generateImage, IMAGE_SHAPES, type ImageShape, type LayerCompression } from "./pull-images.ts";
import { treeDigest } from "./tree-digest.ts";

const scale = Number(flag("scale") ?? 1);
const runs = Number(flag("runs") ?? 5);
const notes: string[] = [];
const pullers = await availablePullers();
await using registry = await startDockerRegistry({
  binary: debianProgram("docker-registry", "usr/bin/docker-registry"),
});
const measurements: Measurement[] = [];
for (const shape of IMAGE_SHAPES.filter(({ name }) => (flag("image") ?? name) === name)) {
  for (const compression of ["gzip", "zstd"] as const) {
    if ((flag("compression") ?? compression) === compression) measurements.push(...(await measure(shape, compression)));
  }
}
report(measurements, notes);

async function measure(shape: ImageShape, compression: LayerCompression): Promise<Measurement[]> {
  const image = await push(shape, compression);
  const results = pullers.map((puller) => ({
    puller,
    walls: [] as number[],
    cpus: [] as number[],
    memory: 0,
    tree: "",
  }));
  // The first round, not timed, compares the trees and watches the memory, both of which cost time.
  for (let round = 0; round <= runs; round++) {
    for (const result of results) {
      const { wallMs, cpuMs, peakMB, tree } = await pullOnce(result.puller, image, round === 0);
      if (round === 0) Object.assign(result, { memory: peakMB, tree });
      else {
        result.walls.push(wallMs);
        result.cpus.push(cpuMs);
      }
    }
  }
  const trees = new Set(results.map(({ tree }) => tree));
  if (trees.size > 1)
    throw new Error(
      `the trees of ${shape.name} differ: ${results.map((each) => `${each.puller.name} ${each.tree}`).join(", ")}`,
    );
  const what = `${shape.name}, ${compression}`;
  return results.flatMap(({ puller: { name }, walls, cpus, memory }): Measurement[] => [
    { what: `${what}: wall`, state: name, unit: "ms", runs: walls },
    { what: `${what}: CPU`, state: name, unit: "ms", runs: cpus },
    { what: `${what}: peak memory`, state: name, unit: "MB", runs: [memory] },
  ]);
}

async function push(shape: ImageShape, compression: LayerCompression): Promise<PulledImage> {
  const built = await generateImage(shape, compression, scale);
  const repository = `bench/${shape.name}`;
  await pushImage(built, { host: registry.host, repository, tag: compression });
  const document = parseManifest(built.manifests[0]?.bytes ?? Buffer.alloc(0), built.descriptor.mediaType);
  const layers = document.kind === "manifest" ? document.layers : [];
  const bytes = layers.reduce((sum, layer) => sum + layer.size, 0);
  notes.push(
    `${shape.name}, ${compression}: ${layers.length} layers, ${Math.round(bytes / 1e6)} MB compressed, scale ${scale}`,
  );
  const url = `http://${registry.host}/v2/${repository}`;
  return { reference: `${registry.host}/${repository}:${compression}`, repositoryUrl: url, layers };
}

async function pullOnce(puller: Puller, image: PulledImage, isFirst: boolean) {
  await using filesystem = await makeFreshFilesystem();
  const store = join(filesystem.path, "store");
  await mkdir(store);
  await using running = await puller.start(store);
  const memory = isFirst ? watchMemory(() => running.pids()) : undefined;
  const cpuBefore = running.cpuSeconds();
  const start = performance.now();
  await running.pull(image);
  const wallMs = performance.now() - start;
  const cpuMs = (running.cpuSeconds() - cpuBefore) * 1000;
  const peakMB = memory?.stop() ?? 0;
  return { wallMs, cpuMs, peakMB, tree: isFirst ? await mountedTree(running, image, filesystem.path) : "" };
}

async function mountedTree(
  running: Awaited<ReturnType<Puller["start"]>>,
  image: PulledImage,
  directory: string,
): Promise<string> {
  const at = join(directory, "tree");
  await mkdir(at);
  await running.mount(image, at);
  try {
    return treeDigest(at);
  } finally {
    execFileSync("umount", [at]);
  }
}

async function availablePullers(): Promise<Puller[]> {
  const found: Puller[] = [];
  const all = [berth("unsynced"), rawBound("unsynced"), berth("synced"), rawBound("synced"), containerd(), podman()];
  for (const puller of all.filter(({ name }) => name.startsWith(flag("only") ?? ""))) {
    const missing = await missingPrograms(puller);
    if (missing.length === 0) found.push(puller);
    else
      notes.push(
        `${puller.name} is not measured: ${missing.join(", ")} missing. ${puller.install}, or unpack the packages and say --peers=DIRECTORY`,
      );
  }
  return found;
}

function flag(name: string): string | undefined {
  const prefix = `--${name}=`;
  return process.argv.find((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}
