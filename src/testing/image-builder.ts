import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

import type { Descriptor } from "../oci/descriptor.ts";
import { algorithmOf, type Digest, digestOf, encodedOf } from "../oci/digest.ts";
import { MEDIA_TYPES } from "../oci/media-type.ts";
import { hostPlatform, type Platform } from "../oci/platform.ts";
import { buildTar, type TarItem } from "./tar-builder.ts";

/** A file of a layer: its content, or more about it. */
export type LayerFile =
  | string
  | Uint8Array
  | {
      readonly content?: string | Uint8Array;
      readonly mode?: number;
      readonly uid?: number;
      readonly gid?: number;
      /** Makes a symbolic link. */
      readonly linkTo?: string;
    };

/** A layer by its files (a path that ends in `/` is a directory), or by the entries of its archive. */
type LayerContent = Readonly<Record<string, LayerFile>> | readonly TarItem[];

export interface ImageToBuild {
  /** Lowest first. */
  readonly layers: readonly LayerContent[];
  /** The config's `config` object, in its own spelling: `Cmd`, `Env`, `User`, … */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly platform?: Platform;
  readonly compression?: "gzip" | "zstd" | "none";
  /** Docker's schema 2 in place of OCI. */
  readonly isDocker?: boolean;
}

/** An image in memory: the document to be tagged, and every blob and manifest it names. */
export interface BuiltImage {
  /** Names the manifest or index. */
  readonly descriptor: Descriptor;
  /** `sha256:…` of the config, what CRI calls the image id; of the first image of an index. */
  readonly configDigest: Digest;
  /** Layers and configs. */
  readonly blobs: ReadonlyMap<Digest, Uint8Array>;
  /** Manifests in the order in which a registry takes them, the one to be tagged last. */
  readonly manifests: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
}

/** Builds an image of this machine's platform; the same content gives the same digests. */
export function buildImage(image: ImageToBuild): BuiltImage {
  const compression = image.compression ?? "gzip";
  const tars = image.layers.map((layer) => buildTar(isItems(layer) ? layer : Object.entries(layer).map(itemOf)));
  const layers = tars.map((tar) => compress(tar, compression));
  const config = encode(
    configOf(
      image,
      tars.map((tar) => digestOf(tar)),
    ),
  );
  const isDocker = image.isDocker === true;
  const layerType = isDocker ? "application/vnd.docker.image.rootfs.diff.tar.gzip" : LAYER_TYPES[compression];
  const mediaType = isDocker ? MEDIA_TYPES.dockerManifest : MEDIA_TYPES.ociManifest;
  const manifest = encode({
    schemaVersion: 2,
    mediaType,
    config: describe(config, isDocker ? MEDIA_TYPES.dockerConfig : MEDIA_TYPES.ociConfig),
    layers: layers.map((layer) => describe(layer, layerType)),
  });
  const descriptor = { ...describe(manifest, mediaType), platform: image.platform ?? hostPlatform() };
  const blobs = new Map([...layers, config].map((bytes) => [digestOf(bytes), bytes]));
  return { descriptor, configDigest: digestOf(config), blobs, manifests: [{ descriptor, bytes: manifest }] };
}

/** Returns an index of images, one for each platform. */
export function buildIndex(images: readonly BuiltImage[]): BuiltImage {
  const first = images[0];
  if (first === undefined) throw new RangeError("Cannot build an index of no images");
  const document = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociIndex,
    manifests: images.map((image) => image.descriptor),
  };
  const bytes = encode(document);
  const descriptor = describe(bytes, MEDIA_TYPES.ociIndex);
  return {
    descriptor,
    configDigest: first.configDigest,
    blobs: new Map(images.flatMap((image) => [...image.blobs])),
    manifests: [...images.flatMap((image) => image.manifests), { descriptor, bytes }],
  };
}

/** Writes an image as an OCI image layout, tagged in its index. */
export async function writeOciLayout(directory: string, image: BuiltImage, tag: string): Promise<void> {
  const documents = image.manifests.map(({ descriptor, bytes }) => [descriptor.digest, bytes] as const);
  for (const [digest, bytes] of [...image.blobs, ...documents]) {
    const path = join(directory, "blobs", algorithmOf(digest));
    await mkdir(path, { recursive: true });
    await writeFile(join(path, encodedOf(digest)), bytes);
  }
  const tagged = { ...image.descriptor, annotations: { "org.opencontainers.image.ref.name": tag } };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [tagged] };
  await writeFile(join(directory, "index.json"), JSON.stringify(index));
  await writeFile(join(directory, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

const LAYER_TYPES = {
  gzip: MEDIA_TYPES.ociLayerGzip,
  zstd: MEDIA_TYPES.ociLayerZstd,
  none: MEDIA_TYPES.ociLayer,
} as const;

function configOf(image: ImageToBuild, diffIds: readonly Digest[]): object {
  const { os, architecture, variant } = image.platform ?? hostPlatform();
  return {
    os,
    architecture,
    ...(variant === undefined ? {} : { variant }),
    config: image.config ?? {},
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map(() => ({ created_by: "berth image builder" })),
  };
}

function isItems(layer: LayerContent): layer is readonly TarItem[] {
  return Array.isArray(layer);
}

function itemOf([path, file]: readonly [string, LayerFile]): TarItem {
  const details = typeof file === "string" || file instanceof Uint8Array ? { content: file } : file;
  const { linkTo, ...rest } = details;
  const type = path.endsWith("/") ? "5" : linkTo === undefined ? "0" : "2";
  return { name: path, type, ...rest, ...(linkTo === undefined ? {} : { linkName: linkTo }) };
}

function compress(tar: Buffer, compression: "gzip" | "zstd" | "none"): Buffer {
  if (compression === "none") return tar;
  return compression === "gzip" ? gzipSync(tar, { level: 1 }) : zstdCompressSync(tar);
}

function describe(bytes: Uint8Array, mediaType: string): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function encode(document: object): Buffer {
  return Buffer.from(JSON.stringify(document));
}
