import { promisify } from "node:util";
import { constants, gzip, zstdCompress } from "node:zlib";

import { type Digest, digestOf } from "../src/oci/digest.ts";
import { MEDIA_TYPES } from "../src/oci/media-type.ts";
import { hostPlatform } from "../src/oci/platform.ts";
import type { BuiltImage } from "../src/testing/image-builder.ts";
import { tarEntry } from "../src/testing/tar-builder.ts";

/** An image to be generated: the same seed gives the same digests. */
export interface ImageShape {
  readonly name: string;
  readonly layers: number;
  /** Files of all layers. */
  readonly files: number;
  /** Uncompressed bytes of all layers. */
  readonly bytes: number;
}

export type LayerCompression = "gzip" | "zstd";

/** The shapes that are measured: many layers, small files, one big layer, and hardly anything. */
export const IMAGE_SHAPES: readonly ImageShape[] = [
  { name: "layers", layers: 8, files: 30_000, bytes: 671_000_000 },
  { name: "small-files", layers: 4, files: 40_000, bytes: 152_000_000 },
  { name: "many-files", layers: 4, files: 98_000, bytes: 1_100_000_000 },
  { name: "one-layer", layers: 1, files: 6000, bytes: 496_000_000 },
  { name: "tiny", layers: 1, files: 4, bytes: 20_000 },
];

/** Generates an image whose files and bytes are `scale` times those of the shape; its content compresses to about 40 %. */
export async function generateImage(
  shape: ImageShape,
  compression: LayerCompression,
  scale: number,
): Promise<BuiltImage> {
  const random = generator(shape.files + shape.layers);
  const pool = contentPool(random);
  const blobs = new Map<Digest, Uint8Array>();
  const diffIds: Digest[] = [];
  const layers: object[] = [];
  for (let layer = 0; layer < shape.layers; layer++) {
    const tar = layerTar({ shape, layer, scale, random, pool });
    const blob = await compress(tar, compression);
    diffIds.push(digestOf(tar));
    blobs.set(digestOf(blob), blob);
    layers.push(descriptorOf(blob, compression === "gzip" ? MEDIA_TYPES.ociLayerGzip : MEDIA_TYPES.ociLayerZstd));
  }
  const { os, architecture } = hostPlatform();
  const config = encode({ os, architecture, config: {}, rootfs: { type: "layers", diff_ids: diffIds } });
  const configDescriptor = descriptorOf(config, MEDIA_TYPES.ociConfig);
  blobs.set(configDescriptor.digest, config);
  const mediaType = MEDIA_TYPES.ociManifest;
  const manifest = encode({ schemaVersion: 2, mediaType, config: configDescriptor, layers });
  const descriptor = descriptorOf(manifest, mediaType);
  return { descriptor, configDigest: configDescriptor.digest, blobs, manifests: [{ descriptor, bytes: manifest }] };
}

interface LayerToWrite {
  readonly shape: ImageShape;
  readonly layer: number;
  readonly scale: number;
  readonly random: () => number;
  readonly pool: Buffer;
}

const FILES_PER_DIRECTORY = 40;

function layerTar({ shape, layer, scale, random, pool }: LayerToWrite): Buffer {
  const files = Math.max(1, Math.round((shape.files / shape.layers) * scale));
  const bytes = (shape.bytes / shape.layers) * scale;
  const root = `layer-${layer}`;
  const parts = [tarEntry({ name: `${root}/`, type: "5" })];
  for (let index = 0; index < files; index++) {
    const directory = `${root}/d${Math.floor(index / FILES_PER_DIRECTORY)}`;
    if (index % FILES_PER_DIRECTORY === 0) parts.push(tarEntry({ name: `${directory}/`, type: "5" }));
    const name = `${directory}/file-${index}`;
    // Most files are small and few are large, as in real images; the mean is the shape's.
    const size = Math.floor(Math.min((bytes / files) * 5.6 * random() ** 4.6, pool.length / 2));
    const start = Math.floor(random() * (pool.length - size));
    parts.push(tarEntry({ name, content: pool.subarray(start, start + size), mode: index % 7 === 0 ? 0o755 : 0o644 }));
    if (index % 20 === 19)
      parts.push(tarEntry({ name: `${directory}/link-${index}`, type: "2", linkName: `file-${index}` }));
  }
  parts.push(Buffer.alloc(1024));
  return Buffer.concat(parts);
}

const POOL_BYTES = 64 * 1024 * 1024;

/** Words of a made-up language with runs of noise between them. */
function contentPool(random: () => number): Buffer {
  const words = Array.from({ length: 4096 }, () =>
    Buffer.from((random() * 2 ** 40).toString(36).slice(0, 3 + random() * 8)),
  );
  const pool = Buffer.alloc(POOL_BYTES);
  for (let at = 0; at < POOL_BYTES;) {
    if (random() < 0.03) {
      const end = Math.min(POOL_BYTES, at + 16);
      for (; at < end; at++) pool[at] = random() * 256;
    }
    const word = words[Math.floor(random() ** 2 * words.length)] ?? Buffer.alloc(1);
    at += word.copy(pool, at) + 1;
    if (at < POOL_BYTES) pool[at - 1] = 0x20;
  }
  return pool;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function compress(tar: Buffer, compression: LayerCompression): Promise<Buffer> {
  if (compression === "gzip") return await promisify(gzip)(tar, { level: 6 });
  return await promisify(zstdCompress)(tar, { params: { [constants.ZSTD_c_compressionLevel]: 3 } });
}

function descriptorOf(bytes: Uint8Array, mediaType: string) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function encode(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}
