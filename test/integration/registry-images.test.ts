import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";

import { silentLogger } from "../../src/base/log.ts";
import { createImageService, type NodeImages } from "../../src/images/image-service.ts";
import { openMetadata } from "../../src/metadata/open-metadata.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { MEDIA_TYPES } from "../../src/oci/media-type.ts";
import { type BuiltImage, buildImage } from "../../src/testing/image-builder.ts";
import { openRegistrySimulator, type RegistrySimulator } from "../../src/testing/registry-simulator.ts";
import { requires } from "../../src/testing/requires.ts";
import { serving } from "./simulated-image.ts";

const IMAGE = "registry.example/team/app:v1";
type Document = Record<string, unknown> & { layers?: Record<string, unknown>[]; config?: Record<string, unknown> };

describe("images as registries have them", { skip: requires("root") }, () => {
  let simulator: RegistrySimulator;
  let root: string;
  before(async () => {
    simulator = await openRegistrySimulator(["registry.example", "evil.test"]);
    root = await mkdtemp(join(tmpdir(), "berth-registry-images-"));
  });
  after(async () => {
    await simulator[Symbol.asyncDispose]();
    await rm(root, { recursive: true, force: true });
  });

  /** Pulls an image into an empty store; returns its id. */
  async function pull(image: BuiltImage): Promise<string> {
    simulator.play({ "registry.example": serving(image), "evil.test": () => ({ body: "x" }) });
    const directory = await mkdtemp(join(root, "store-"));
    const metadata = await openMetadata(join(directory, "engine.db"));
    const { proxyUrl: proxy, ca } = simulator;
    const transport = { ca: [ca], proxies: { http: proxy, https: proxy, noProxy: [] } };
    const images: NodeImages = await createImageService({ root: directory, metadata, logger: silentLogger, transport });
    try {
      return await images.pullImage({ image: { image: IMAGE }, auth: { username: "alice", password: "pass-canary" } });
    } finally {
      await images[Symbol.asyncDispose]();
      metadata.close();
    }
  }

  for (const compression of ["gzip", "zstd", "none"] as const) {
    for (const isDocker of compression === "gzip" ? [true, false] : [false]) {
      test(`layers of ${isDocker ? "Docker" : "OCI"} with compression ${compression} are unpacked`, async () => {
        const image = buildImage({ layers: [{ a: "1" }, { b: "2" }], compression, isDocker });
        assert.equal(await pull(image), image.configDigest);
      });
    }
  }

  test("an image may have no layer, one layer twice, or 128 of them", async () => {
    const many = Array.from({ length: 128 }, (_, index) => ({ [`f${index}`]: String(index) }));
    for (const layers of [[], [{ a: "1" }, { b: "2" }, { a: "1" }], many]) {
      const image = buildImage({ layers });
      assert.equal(await pull(image), image.configDigest);
    }
  });

  test("layers come from the registry alone, whatever addresses the manifest names, and nobody else is asked", async () => {
    const type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (const mediaType of [type, MEDIA_TYPES.ociLayerGzip]) {
      const image = altered(buildImage({ layers: [{ a: "1" }] }), (manifest) => {
        for (const layer of manifest.layers ?? [])
          Object.assign(layer, { mediaType, urls: ["https://evil.test/layer"] });
      });
      assert.equal(await pull(image), image.configDigest);
      assert.ok(simulator.seen.every(({ host }) => host === "registry.example"));
    }
  });

  const REFUSED: readonly (readonly [name: string, alter: (manifest: Document) => void])[] = [
    [
      "artifact",
      (manifest) => Object.assign(manifest.config ?? {}, { mediaType: "application/vnd.cncf.helm.config.v1+json" }),
    ],
    [
      "encrypted",
      (manifest) => Object.assign(manifest.layers?.[0] ?? {}, { mediaType: `${MEDIA_TYPES.ociLayerGzip}+encrypted` }),
    ],
  ];
  for (const [name, alter] of REFUSED) {
    test(`an image that is ${name} is refused before any layer is fetched`, async () => {
      const image = altered(buildImage({ layers: [{ a: "1" }] }), alter);
      await assert.rejects(pull(image), { code: "FAILED_PRECONDITION" });
      const layer = [...image.blobs.keys()].filter((digest) => digest !== image.configDigest);
      assert.ok(simulator.seen.every(({ path }) => layer.every((digest) => !path.includes(digest))));
    });
  }

  for (const depth of [1, 4, 5]) {
    test(`an index ${depth} deep is ${depth > 4 ? "refused" : "followed"}`, async () => {
      const image = nested(buildImage({ layers: [{ a: "1" }] }), depth);
      if (depth > 4) await assert.rejects(pull(image), { message: /nested too deep/ });
      else assert.equal(await pull(image), image.configDigest);
    });
  }
});

/** Returns the image with its manifest changed, and what names it. */
function altered(image: BuiltImage, alter: (manifest: Document) => void): BuiltImage {
  const manifest = JSON.parse(Buffer.from(image.manifests[0]?.bytes ?? []).toString("utf8")) as Document;
  alter(manifest);
  return retagged(image, Buffer.from(JSON.stringify(manifest)), image.descriptor.mediaType);
}

/** Wraps the image in so many indexes, each of nothing but the next. */
function nested(image: BuiltImage, depth: number): BuiltImage {
  if (depth === 0) return image;
  const inner = nested(image, depth - 1);
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [inner.descriptor] };
  return retagged(inner, Buffer.from(JSON.stringify(index)), MEDIA_TYPES.ociIndex);
}

function retagged(image: BuiltImage, bytes: Buffer, mediaType: string): BuiltImage {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
  return { ...image, descriptor, manifests: [...image.manifests, { descriptor, bytes }] };
}
