import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { silentLogger } from "../base/log.ts";
import { mount, umount } from "../linux/mount.ts";
import { openMetadata } from "../metadata/open-metadata.ts";
import { debianProgram } from "../testing/debian-program.ts";
import { type DockerRegistry, startDockerRegistry } from "../testing/docker-registry.ts";
import { buildImage, type BuiltImage } from "../testing/image-builder.ts";
import { pushImage } from "../testing/push-image.ts";
import { openRecordingProxy } from "../testing/recording-proxy.ts";
import { requires } from "../testing/requires.ts";
import { waitUntil } from "../testing/wait-until.ts";
import { createImageService, type NodeImages } from "./image-service.ts";

const MB = 1_000_000;

describe("pulling layers", { skip: requires("root", "docker-registry") }, () => {
  let base: string;
  let registry: DockerRegistry;
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "berth-layers-"));
    registry = await startDockerRegistry({ binary: debianProgram("docker-registry", "usr/bin/docker-registry") });
  });
  after(async () => {
    await registry[Symbol.asyncDispose]();
    await rm(base, { recursive: true, force: true });
  });

  async function open(
    unpackers: number,
    place?: string,
  ): Promise<{ root: string; images: NodeImages } & AsyncDisposable> {
    const root = place ?? (await mkdtemp(join(base, "root-")));
    const metadata = await openMetadata(join(root, "engine.db"));
    const images = await createImageService({ root, metadata, logger: silentLogger, unpackers });
    return {
      root,
      images,
      [Symbol.asyncDispose]: async () => {
        await images[Symbol.asyncDispose]();
        metadata.close();
      },
    };
  }

  async function push(image: BuiltImage, repository: string): Promise<string> {
    await pushImage(image, { host: registry.host, repository, tag: "v1" });
    return `${registry.host}/${repository}:v1`;
  }

  test("a layer that two images share is fetched and unpacked once by their pulls", async () => {
    const shared = { "shared/": "", "shared/file": randomBytes(3 * MB) };
    const names = [
      await push(buildImage({ layers: [shared, { one: "1" }] }), "team/one"),
      await push(buildImage({ layers: [shared, { two: "2" }] }), "team/two"),
    ];
    await using proxy = await openRecordingProxy(registry.host);
    await using node = await open(2);
    await Promise.all(
      names.map((name) => node.images.pullImage({ image: { image: name.replace(registry.host, proxy.host) } })),
    );
    const fetched = proxy
      .requests()
      .filter((request) => /\/blobs\/.* 200$/.test(request))
      .map((request) => /sha256:\w+/.exec(request)?.[0]);
    assert.equal(fetched.length, new Set(fetched).size, fetched.join("\n"));
    assert.equal(node.images.snapshotter.list().length, 3);
  });

  test("pulls of one image of many layers at the same time all end, with one unpacker too", async () => {
    const layers = Array.from({ length: 9 }, (_, index) => ({ [`file-${index}`]: randomBytes(1000 * (index + 1)) }));
    const image = buildImage({ layers });
    const name = await push(image, "team/many");
    await using node = await open(1);
    const pulls = Array.from({ length: 5 }, () => node.images.pullImage({ image: { image: name } }));
    assert.deepEqual(new Set(await Promise.all(pulls)), new Set([image.configDigest]));
    assert.equal(node.images.snapshotter.list().length, 9);
  });

  test("layers are unpacked while they come, and those that stand still hold up nobody", async () => {
    const file = () => randomBytes(2 * MB);
    const hung = await push(
      buildImage({ layers: [{ a: "first", b: file() }, { c: file() }, { d: file() }] }),
      "team/hung",
    );
    const small = await push(buildImage({ layers: [{ e: "e" }, { f: "f" }] }), "team/small");
    await using proxy = await openRecordingProxy(registry.host, {
      stallAfter: (path) => (path.includes("team/hung/blobs") ? MB : undefined),
    });
    await using node = await open(1);
    const abort = new AbortController();
    const image = { image: hung.replace(registry.host, proxy.host) };
    const hanging = assert.rejects(node.images.pullImage({ image }, abort.signal), { code: "CANCELLED" });
    await waitUntil("a file of a layer", async () => (await writtenFiles(node.root)).length > 0);
    assert.ok((await readdir(join(node.root, "content/ingest"))).length > 0, "the layer has come already");
    await node.images.pullImage({ image: { image: small } }, AbortSignal.timeout(10_000));
    abort.abort();
    await hanging;
  });

  test("a disk that is full for a layer's files ends its download, however slow that is", async () => {
    const layers = [{ a: randomBytes(MB), b: Buffer.alloc(30 * MB), c: randomBytes(2 * MB) }];
    const name = await push(buildImage({ layers }), "team/full");
    await using proxy = await openRecordingProxy(registry.host, {
      stallAfter: (path) => (path.includes("/blobs/") ? 1.5 * MB : undefined),
    });
    const root = await mkdtemp(join(base, "full-"));
    mount({ source: "tmpfs", target: root, type: "tmpfs", data: "size=16m" });
    try {
      await using node = await open(1, root);
      const image = { image: name.replace(registry.host, proxy.host) };
      await assert.rejects(node.images.pullImage({ image }, AbortSignal.timeout(20_000)), {
        code: "RESOURCE_EXHAUSTED",
        message: /no space left on the device/,
      });
    } finally {
      umount(root);
    }
  });

  async function writtenFiles(root: string): Promise<string[]> {
    const layers = join(root, "snapshots/layers");
    const found: string[] = [];
    for (const layer of await readdir(layers)) {
      for (const name of await readdir(join(layers, layer))) {
        if ((await stat(join(layers, layer, name))).size > 0) found.push(name);
      }
    }
    return found;
  }
});
