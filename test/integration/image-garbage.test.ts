import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

import { systemClock } from "../../src/base/clock.ts";
import { disposable } from "../../src/base/disposable.ts";
import { silentLogger } from "../../src/base/log.ts";
import { createImageService, type NodeImages } from "../../src/images/image-service.ts";
import {
  DEFAULT_IMAGE_GARBAGE_POLICY,
  type ImageGarbagePolicy,
} from "../../src/kubelet/image-gc/image-garbage-policy.ts";
import { ImageGarbage } from "../../src/kubelet/image-gc/image-garbage.ts";
import { readFilesystemRoom } from "../../src/kubelet/node/host-info.ts";
import { openMetadata } from "../../src/metadata/open-metadata.ts";
import { requires } from "../../src/testing/requires.ts";
import { openTestRegistries } from "../../src/testing/test-registries.ts";

const run = promisify(execFile);
const MIB = 1024 ** 2;

describe(
  "collecting images on a disk of their own",
  {
    skip: requires("root", "docker-registry", "busybox-static"),
  },
  () => {
    test("those unused longest go until there is room again; used and loaded ones stay whole", async () => {
      await using registries = await openTestRegistries();
      await using disk = await openDisk(120 * MIB);
      const metadata = await openMetadata(join(disk.path, "engine.db"));
      await using _metadata = disposable(() => Promise.resolve(metadata.close()));
      await using images = await createImageService({ root: disk.path, metadata, logger: silentLogger });
      // Blobs and unpacked layers take about 16 MiB each.
      const names = await Promise.all(
        [1, 2, 3, 4, 5].map(async (count) => await registries.pushVariant(`garbage/app${count}`, {}, 8)),
      );
      const [used = "", kept = "", old = "", ...newer] = names;
      const warnings: string[] = [];
      const parts = { images, directory: disk.path, warnings, inUse: used };
      const garbage = createGarbage({ ...parts, policy: { minimumAgeMs: 0 } });
      for (const image of names) {
        await images.pullImage({ image: { image } });
        if (image === kept) await keep(images, image);
        // Each is seen before the next comes.
        await garbage.collect();
      }
      const highThresholdPercent = await usedPercent(disk.path);
      const lowThresholdPercent = highThresholdPercent - 5;
      const policy = { highThresholdPercent, lowThresholdPercent, minimumAgeMs: 0 };
      await createGarbage({ ...parts, policy }).collect();
      const present = await Promise.all(
        names.map(async (image) => (await images.imageStatus({ image })) !== undefined),
      );
      assert.deepEqual(present, [true, true, false, true, true], `${old} goes, ${newer.join()} stay`);
      assert.ok((await usedPercent(disk.path)) <= lowThresholdPercent);
      assert.deepEqual(warnings, []);
      const { problems } = await images.administer(() => Promise.resolve(new Set())).check({ repair: false });
      assert.deepEqual(problems, []);
    });
  },
);

interface GarbageOfTest {
  readonly images: NodeImages;
  readonly directory: string;
  readonly warnings: string[];
  /** The image that a pod names. */
  readonly inUse: string;
  readonly policy: Partial<ImageGarbagePolicy>;
}

function createGarbage({ images, directory, warnings, inUse, policy }: GarbageOfTest): ImageGarbage {
  return new ImageGarbage({
    runtime: { listContainers: () => Promise.resolve([]) },
    images,
    pods: () => [{ containers: [{ name: "main", image: inUse }] }],
    policy: { ...DEFAULT_IMAGE_GARBAGE_POLICY, ...policy },
    usageFile: join(directory, "image-usage.json"),
    readRoom: readFilesystemRoom,
    nodeEvents: { warning: (reason, message) => void warnings.push(`${reason}: ${message}`) },
    onRemoved: () => {},
    clock: systemClock,
    logger: silentLogger,
  });
}

/** Marks an image as an administrator's, as pulling it by hand does. */
async function keep(images: NodeImages, image: string): Promise<void> {
  for await (const _ of images.administer(() => Promise.resolve(new Set())).pull({ image }));
}

async function usedPercent(directory: string): Promise<number> {
  const { capacityBytes = 1, availableBytes = 0 } = (await readFilesystemRoom(directory)) ?? {};
  return 100 - Math.floor((availableBytes * 100) / capacityBytes);
}

/** Makes and mounts an ext4 file system of this size. */
async function openDisk(bytes: number): Promise<{ readonly path: string } & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), "berth-garbage-"));
  const [file, path] = [join(directory, "disk"), join(directory, "mount")];
  await mkdir(path);
  {
    await using disk = await open(file, "w");
    await disk.truncate(bytes);
  }
  await run("mkfs.ext4", ["-q", "-F", "-m", "0", file]);
  await run("mount", ["-o", "loop", file, path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      await rm(directory, { recursive: true });
    },
  };
}
