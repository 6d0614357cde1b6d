import { createHash } from "node:crypto";

import type { Descriptor } from "../../oci/descriptor.ts";
import { type Digest, digestOf, digestOfHash, encodedOf, isDigest } from "../../oci/digest.ts";
import { JsonReader } from "../../oci/json-reader.ts";
import { parseManifest } from "../../oci/manifest.ts";
import { MEDIA_TYPES } from "../../oci/media-type.ts";
import { parseReference, type Reference } from "../../oci/reference.ts";
import { parseStrictJson } from "../../oci/strict-json.ts";
import { algorithmOf } from "../../oci/digest.ts";
import { invalidArchive } from "./invalid-archive.ts";
import type { Archive } from "./open-archive.ts";
import type { TarRegion } from "./tar-index.ts";

/** An image of an archive, and where the blobs it names lie. */
export interface ArchivedImage {
  /** Names with a tag, as the archive gives them; maybe none. */
  readonly names: readonly Reference[];
  readonly descriptor: Descriptor;
  readonly blobs: BlobSource;
}

/** Finds blobs by their digest: places in the archive, or documents that were made for it. Nothing is checked yet. */
export type BlobSource = (digest: Digest) => TarRegion | Buffer | undefined;

const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024;
const MAX_IMAGES = 1000;
const MAX_LAYERS = 500;
const MAX_NAMES = 1000;
/** Full names, of containerd and of docker since version 25. */
const NAME_ANNOTATION = "io.containerd.image.name";
/** A tag, or whatever the writer was told: a name only where it has a repository. */
const REF_ANNOTATION = "org.opencontainers.image.ref.name";

/**
 * Returns the images of an archive. An OCI image layout is read as such; the `manifest.json` beside it then only adds
 * names. Without a layout it is a docker archive. Throws `CriError` with code `INVALID_ARGUMENT`, or `OciError`.
 */
export async function imagesInArchive(archive: Archive): Promise<ArchivedImage[]> {
  const docker = await dockerEntries(archive);
  const images = archive.index.find("oci-layout") === undefined ? [] : await layoutImages(archive, docker);
  if (images.length > 0) return images;
  if (docker.length === 0) throw invalidArchive('it has neither "index.json" nor "manifest.json"');
  return await Promise.all(docker.map(async (entry) => await dockerImage(archive, entry)));
}

async function layoutImages(archive: Archive, docker: readonly DockerEntry[]): Promise<ArchivedImage[]> {
  const region = archive.index.find("index.json");
  if (region === undefined) return [];
  const index = parseManifest(await archive.read(region, MAX_DOCUMENT_BYTES), MEDIA_TYPES.ociIndex);
  if (index.kind !== "index") throw invalidArchive('its "index.json" is no index');
  const blobs: BlobSource = (digest) => archive.index.find(`blobs/${algorithmOf(digest)}/${encodedOf(digest)}`);
  const images = index.manifests.filter(isImage).map(async (descriptor) => {
    const names = [...namesIn(descriptor), ...(await dockerNames({ archive, blobs, docker }, descriptor))];
    return { names: unique(names), descriptor, blobs };
  });
  return await Promise.all(images);
}

/** Attestations and the like are listed beside images, for a platform that is none. */
function isImage({ platform }: Descriptor): boolean {
  return platform?.os !== "unknown";
}

function namesIn({ annotations }: Descriptor): Reference[] {
  const name = annotations?.[NAME_ANNOTATION];
  if (name !== undefined) return [taggedName(name)];
  const text = annotations?.[REF_ANNOTATION] ?? "";
  return text.includes("/") || text.includes(":") ? [taggedName(text)] : [];
}

interface LayoutNames {
  readonly archive: Archive;
  readonly blobs: BlobSource;
  readonly docker: readonly DockerEntry[];
}

/** Returns the names that `manifest.json` has for the image with this manifest's config. */
async function dockerNames({ archive, blobs, docker }: LayoutNames, descriptor: Descriptor): Promise<Reference[]> {
  const region = blobs(descriptor.digest);
  if (docker.length === 0 || region === undefined || Buffer.isBuffer(region)) return [];
  const document = parseManifest(await archive.read(region, MAX_DOCUMENT_BYTES), descriptor.mediaType);
  if (document.kind !== "manifest") return [];
  const config = `blobs/sha256/${encodedOf(document.config.digest)}`;
  return docker.filter((entry) => entry.config === config).flatMap((entry) => entry.names);
}

interface DockerEntry {
  readonly config: string;
  readonly names: readonly Reference[];
  /** Lowest first. */
  readonly layers: readonly string[];
}

async function dockerEntries(archive: Archive): Promise<DockerEntry[]> {
  const region = archive.index.find("manifest.json");
  if (region === undefined) return [];
  const list = parseStrictJson(await archive.read(region, MAX_DOCUMENT_BYTES));
  const reader = new JsonReader({ images: list }, "MANIFEST_INVALID", "docker archive");
  return reader.objects("images", MAX_IMAGES).map((entry) => ({
    config: entry.string("Config"),
    names: entry.strings("RepoTags", MAX_NAMES).map(taggedName),
    layers: entry.strings("Layers", MAX_LAYERS),
  }));
}

/** Makes of a docker archive's image an OCI one, with a manifest that is the same each time. */
async function dockerImage(archive: Archive, { config, names, layers }: DockerEntry): Promise<ArchivedImage> {
  const places = new Map<Digest, TarRegion | Buffer>();
  const describe = async (name: string, mediaType: (start: Buffer) => string) => {
    const region = archive.index.find(name);
    if (region === undefined) throw invalidArchive(`it lacks ${JSON.stringify(name.slice(0, 200))}`);
    const { digest, start } = await digestRegion(archive, region);
    places.set(digest, region);
    return { mediaType: mediaType(start), digest, size: region.size };
  };
  const layerDescriptors = [];
  for (const layer of layers) layerDescriptors.push(await describe(layer, layerMediaType));
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: await describe(config, () => MEDIA_TYPES.ociConfig),
    layers: layerDescriptors,
  };
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  places.set(digest, bytes);
  const descriptor = { mediaType: MEDIA_TYPES.ociManifest, digest, size: bytes.length };
  return { names, descriptor, blobs: (wanted) => places.get(wanted) };
}

async function digestRegion(archive: Archive, region: TarRegion): Promise<{ digest: Digest; start: Buffer }> {
  const hash = createHash("sha256");
  let start = Buffer.alloc(0);
  for await (const chunk of archive.stream(region)) {
    if (start.length === 0) start = Buffer.from(chunk.subarray(0, 4));
    hash.update(chunk);
  }
  return { digest: digestOfHash("sha256", hash), start };
}

function layerMediaType(start: Buffer): string {
  if (start[0] === 0x1f && start[1] === 0x8b) return MEDIA_TYPES.ociLayerGzip;
  if (start.length === 4 && start.readUInt32LE() === 0xfd2fb528) return MEDIA_TYPES.ociLayerZstd;
  return MEDIA_TYPES.ociLayer;
}

function taggedName(text: string): Reference {
  const reference = parseReference(text);
  if (reference.digest !== undefined || isDigest(text)) throw invalidArchive("a name in it has a digest");
  return reference.tag === undefined ? { ...reference, tag: "latest" } : reference;
}

function unique(names: readonly Reference[]): Reference[] {
  return [...new Map(names.map((name) => [`${name.repository}:${name.tag}`, name])).values()];
}
