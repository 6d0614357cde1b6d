import type { Digest } from "../oci/digest.ts";
import { algorithmOf, encodedOf } from "../oci/digest.ts";
import { MEDIA_TYPES } from "../oci/media-type.ts";
import { parseManifest } from "../oci/manifest.ts";
import { MAX_MANIFEST_BYTES } from "../registry/registry-client.ts";
import { tarEnd, tarFileHeader, tarPadding } from "../oci/tar-file.ts";
import type { FoundImage } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { blobsOf } from "./image-records.ts";
import { recordedName, requireImage, tagsOf } from "./name-image.ts";

/**
 * Yields an archive of images that is an OCI image layout with a `manifest.json` beside it, so that readers of docker
 * archives take it too. The same images give the same bytes. Throws `CriError` with code `NOT_FOUND` before the first byte.
 */
export async function* saveImages(
  context: ImageContext,
  images: readonly string[],
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chosen: SavedImage[] = [];
  for (const image of images) chosen.push(await savedImage(context, image));
  using lease = context.leases.open();
  const blobs = new Map(chosen.flatMap(({ found }) => blobsOf(found.record)).map((blob) => [blob.digest, blob.size]));
  for (const digest of blobs.keys()) lease.digests.add(digest);
  yield* file("oci-layout", document({ imageLayoutVersion: "1.0.0" }));
  yield* file("index.json", document(indexOf(chosen)));
  yield* file("manifest.json", document(chosen.map(dockerEntry)));
  for (const [digest, size] of blobs) {
    signal?.throwIfAborted();
    yield* blob(context, digest, size);
  }
  yield tarEnd();
}

interface SavedImage {
  readonly found: FoundImage;
  readonly names: readonly string[];
  /** The manifest or index that the names lead to. */
  readonly target: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
}

async function savedImage(context: ImageContext, image: string): Promise<SavedImage> {
  const found = await requireImage(context, image, "save");
  const name = recordedName(context, image);
  const names = name === undefined || name.includes("@") ? tagsOf(context, found.id) : [name];
  const { documents, others } = found.record;
  // An index would name platforms that are not here.
  const chosen = (others === undefined ? documents.at(-1) : documents[0]) ?? found.record.config;
  const { mediaType } = parseManifest(await context.content.read(chosen.digest, MAX_MANIFEST_BYTES));
  return { found, names, target: { mediaType, digest: chosen.digest, size: chosen.size } };
}

function indexOf(images: readonly SavedImage[]): object {
  const manifests = images.flatMap(({ names, target }) => {
    const named = names.map((name) => ({
      ...target,
      annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": tagOf(name) },
    }));
    return named.length === 0 ? [target] : named;
  });
  return { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests };
}

function dockerEntry({ found, names }: SavedImage): object {
  return {
    Config: pathOf(found.record.config.digest),
    RepoTags: names,
    Layers: found.record.layers.map(({ digest }) => pathOf(digest)),
  };
}

async function* blob(context: ImageContext, digest: Digest, size: number): AsyncGenerator<Uint8Array> {
  await using handle = await context.content.open(digest);
  yield tarFileHeader(pathOf(digest), size);
  for await (const chunk of handle.createReadStream({ autoClose: false, highWaterMark: CHUNK_BYTES })) {
    yield chunk as Buffer;
  }
  yield tarPadding(size);
}

const CHUNK_BYTES = 256 * 1024;

function* file(name: string, bytes: Buffer): Generator<Uint8Array> {
  yield tarFileHeader(name, bytes.length);
  yield bytes;
  yield tarPadding(bytes.length);
}

function document(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function pathOf(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${encodedOf(digest)}`;
}

function tagOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
