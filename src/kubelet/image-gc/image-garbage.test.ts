import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { PodSpec } from "../../api/core-v1.gen.ts";
import { silentLogger } from "../../base/log.ts";
import { CriError } from "../../cri/cri-error.ts";
import type { Image } from "../../cri/image-service.ts";
import type { Container } from "../../cri/runtime-service.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { ScriptedImages, scriptedImageId } from "../testing/scripted-images.ts";
import { ImageGarbage } from "./image-garbage.ts";
import { DEFAULT_IMAGE_GARBAGE_POLICY, type ImageGarbagePolicy } from "./image-garbage-policy.ts";

const MINUTE = 60_000;

/** A node's images on a disk of 1,000 bytes that holds nothing else. */
class GarbageFixture implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly images = new ScriptedImages();
  readonly warnings: string[] = [];
  capacityBytes = 1000;
  containers: Container[] = [];
  pods: PodSpec[] = [];
  garbage: ImageGarbage;
  readonly policy: ImageGarbagePolicy;
  readonly nodeEvents = {
    warning: (reason: string, message: string) => void this.warnings.push(`${reason}: ${message}`),
  };
  readonly #directory: string;

  private constructor(directory: string, policy: Partial<ImageGarbagePolicy>) {
    this.#directory = directory;
    this.policy = { ...DEFAULT_IMAGE_GARBAGE_POLICY, ...policy };
    this.garbage = this.#create();
  }

  static async open(policy: Partial<ImageGarbagePolicy> = {}): Promise<GarbageFixture> {
    return new GarbageFixture(await mkdtemp(join(tmpdir(), "image-garbage-")), policy);
  }

  get usageFile(): string {
    return join(this.#directory, "image-usage.json");
  }

  restart(): void {
    this.garbage = this.#create();
  }

  load(name: string, size: number, fields: Partial<Image> = {}): void {
    this.images.load(name, { size, ...fields });
  }

  /** Looks once at what there is, and lets all of it come of age. */
  async age(): Promise<void> {
    const { capacityBytes } = this;
    this.capacityBytes = 1_000_000;
    await this.garbage.collect();
    this.capacityBytes = capacityBytes;
    this.clock.advance(5 * MINUTE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true });
  }

  #create(): ImageGarbage {
    return new ImageGarbage({
      runtime: { listContainers: () => Promise.resolve(this.containers) },
      images: this.images,
      pods: () => this.pods,
      policy: this.policy,
      usageFile: this.usageFile,
      readRoom: async (directory) => {
        assert.equal(directory, "/images");
        const used = (await this.images.listImages()).reduce((sum, { size }) => sum + size, 0);
        return {
          capacityBytes: this.capacityBytes,
          availableBytes: this.capacityBytes - used,
          inodes: 0,
          freeInodes: 0,
        };
      },
      nodeEvents: this.nodeEvents,
      onRemoved: () => {},
      clock: this.clock,
      logger: silentLogger,
    });
  }
}

function containerOf(image: string): Container {
  return {
    id: image,
    podSandboxId: "s",
    metadata: { name: "main", attempt: 0 },
    image: { image },
    imageRef: "",
    imageId: scriptedImageId(image),
    state: "CONTAINER_EXITED",
    createdAt: 0,
    labels: {},
    annotations: {},
  };
}

test("below the high threshold nothing is removed, at it the longest unused go until the low one", async () => {
  await using node = await GarbageFixture.open();
  for (const name of ["a", "b", "c", "d"]) {
    node.load(name, 210);
    await node.age();
  }
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, []);
  node.load("e", 10);
  node.garbage.used("a");
  await node.garbage.collect();
  // 850 of 1,000 bytes are in use: 50 must go, and one image does.
  assert.deepEqual(node.images.removed, ["b"]);
});

test("when images were used is known after a restart", async () => {
  await using node = await GarbageFixture.open();
  for (const name of ["a", "b", "c"]) {
    node.load(name, 300);
    await node.age();
  }
  node.garbage.used("a");
  await node.age();
  node.restart();
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["b"]);
});

test("a use is not forgotten by a look that fails", async () => {
  await using node = await GarbageFixture.open();
  for (const name of ["a", "b", "c"]) {
    node.load(name, 300);
    await node.age();
  }
  node.garbage.used("a");
  const list = node.images.listImages.bind(node.images);
  node.images.listImages = () => Promise.reject(new CriError("UNAVAILABLE", "restarting"));
  await assert.rejects(node.garbage.collect(), { code: "UNAVAILABLE" });
  node.images.listImages = list;
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["b"]);
});

test("a pod whose image's name does not parse keeps nothing from being collected", async () => {
  await using node = await GarbageFixture.open();
  node.load("a", 900);
  await node.age();
  const status = node.images.imageStatus.bind(node.images);
  node.images.imageStatus = async (spec) => {
    if (/^[a-z:0-9]+$/.test(spec.image)) return await status(spec);
    throw new CriError("INVALID_ARGUMENT", "invalid reference format");
  };
  node.pods = [{ containers: [{ name: "main", image: "Upper Case" }, { name: "none" }] }];
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["a"]);
});

test("a file of uses that is broken is begun anew", async () => {
  await using node = await GarbageFixture.open();
  node.load("a", 900);
  for (const content of [
    '{"version":1,"images":{"x":{"firstSeen":"y"}}}',
    '{"version":1,"images":[null]}',
    '{"ver',
    "7",
  ]) {
    await writeFile(node.usageFile, content);
    node.restart();
    await assert.rejects(node.garbage.collect(), { code: "NOT_ENOUGH_FREED" });
    const { images } = JSON.parse(await readFile(node.usageFile, "utf8")) as { images: object };
    assert.deepEqual(Object.keys(images), [scriptedImageId("a")]);
  }
});

test("what is pinned, what a container is made from and what a pod waits for stay", async () => {
  await using node = await GarbageFixture.open();
  node.load("pinned", 300, { pinned: true });
  node.load("ran", 300);
  node.load("wanted", 200);
  node.load("unused", 100);
  node.containers = [containerOf("ran")];
  node.pods = [{ containers: [], initContainers: [{ name: "init", image: "wanted" }] }];
  await node.age();
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["unused"]);
  const message =
    "Failed to garbage collect required amount of images. Attempted to free 100 bytes, but only found 0 bytes eligible to free.";
  node.clock.advance(5 * MINUTE);
  node.load("new", 100);
  await assert.rejects(node.garbage.collect(), { code: "NOT_ENOUGH_FREED", message });
  assert.equal(node.warnings.at(-1), `FreeDiskSpaceFailed: ${message}`);
});

test("an image that a pod begins to need while others are removed stays", async () => {
  await using node = await GarbageFixture.open({ lowThresholdPercent: 40 });
  for (const name of ["a", "b", "c"]) {
    node.load(name, 300);
    await node.age();
  }
  node.capacityBytes = 900;
  const remove = node.images.removeImage.bind(node.images);
  node.images.removeImage = async (spec) => {
    node.pods = [{ containers: [{ name: "main", image: "b" }] }];
    await remove(spec);
  };
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["a", "c"]);
});

test("an image of less than two minutes is not removed to make room", async () => {
  await using node = await GarbageFixture.open();
  node.load("a", 900);
  await assert.rejects(node.garbage.collect(), { code: "NOT_ENOUGH_FREED" });
  node.clock.advance(2 * MINUTE - 1);
  await assert.rejects(node.garbage.collect(), { code: "NOT_ENOUGH_FREED" });
  node.clock.advance(1);
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["a"]);
});

test("with a maximum age what is unused for longer goes however much room there is", async () => {
  await using node = await GarbageFixture.open({ maximumAgeMs: 60 * MINUTE });
  node.load("old", 10);
  node.load("used", 10);
  await node.garbage.collect();
  node.clock.advance(60 * MINUTE);
  node.garbage.used("used");
  node.load("new", 10);
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, []);
  node.clock.advance(1);
  node.restart();
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["old"]);
});

test("an image that cannot be removed does not keep the next from being removed, and is told", async () => {
  await using node = await GarbageFixture.open();
  node.load("a", 300);
  await node.age();
  node.load("b", 600);
  await node.age();
  node.images.removalErrors.set("a", new CriError("INTERNAL", "device busy"));
  await node.garbage.collect();
  assert.deepEqual(node.images.removed, ["b"]);
  node.load("c", 700);
  await assert.rejects(node.garbage.collect(), {
    message: "wanted to free 200 bytes, but freed 0 bytes space with errors in image deletion: device busy",
  });
});

test("a file system without capacity is told as such", async () => {
  await using node = await GarbageFixture.open();
  node.capacityBytes = 0;
  await assert.rejects(node.garbage.collect(), { code: "INVALID_CAPACITY" });
  assert.deepEqual(node.warnings, ["InvalidDiskCapacity: invalid capacity 0 on image filesystem"]);
});
