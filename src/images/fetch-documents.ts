import type { Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type ImageConfig, parseImageConfig } from "../oci/image-config.ts";
import { type Index, type Manifest, parseManifest } from "../oci/manifest.ts";
import { isConfigMediaType, isLayerMediaType } from "../oci/media-type.ts";
import { OciError } from "../oci/oci-error.ts";
import { formatPlatform, matchPlatforms, type Platform } from "../oci/platform.ts";
import { MAX_MANIFEST_BYTES, type Repository, type ResolvedManifest } from "../registry/registry-client.ts";
import type { ActiveLease } from "./active-leases.ts";
import type { ImageContext } from "./image-context.ts";
import { MAX_CONFIG_BYTES } from "./resolve-image.ts";

/** The documents that describe one image of one platform; all of them are in the content store. */
export interface ImageDocuments {
  /** What the reference named: a manifest or an index. */
  readonly target: Digest;
  /** The manifest, and the indexes that led to it. */
  readonly documents: readonly Descriptor[];
  readonly manifest: Manifest;
  readonly config: ImageConfig;
}

const MAX_INDEX_DEPTH = 4;

/** Where an image's documents come from, and what keeps them. */
export interface DocumentFetch {
  readonly context: ImageContext;
  readonly repository: Repository;
  /** Takes up the digest of each document before it is stored. */
  readonly lease: ActiveLease;
  readonly signal: AbortSignal | undefined;
}

/** Fetches manifest and config of an image for this node's platform. What the content store has is not fetched again. */
export async function fetchDocuments(fetch: DocumentFetch): Promise<ImageDocuments> {
  const { context, repository, signal } = fetch;
  const resolved = await repository.resolve(signal);
  const documents: Descriptor[] = [resolved.descriptor];
  let document = await readManifest(fetch, resolved);
  while (document.kind === "index") {
    if (documents.length > MAX_INDEX_DEPTH)
      throw new OciError("MANIFEST_INVALID", "Cannot read the index: it is nested too deep");
    const chosen = chooseManifest(document, context.platform);
    documents.push(chosen);
    document = await readManifest(fetch, { descriptor: chosen });
  }
  checkKinds(document);
  const config = parseImageConfig(await readConfig(fetch, document.config));
  checkPlatform(config.platform, context.platform);
  if (config.diffIds.length !== document.layers.length) {
    const counts = `${document.layers.length} layers in the manifest, ${config.diffIds.length} in the config`;
    throw new OciError("CONFIG_INVALID", `Cannot read the image: ${counts}`);
  }
  return { target: resolved.descriptor.digest, documents, manifest: document, config };
}

async function readManifest(
  { context, repository, lease, signal }: DocumentFetch,
  { descriptor, bytes }: ResolvedManifest,
): Promise<Manifest | Index> {
  const { digest, mediaType } = descriptor;
  lease.digests.add(digest);
  if ((await context.content.stat(digest)) === undefined) {
    const fetched = bytes ?? (await repository.fetchManifest(descriptor, signal));
    // Parsed first, so that what we cannot use is never stored.
    const manifest = parseManifest(fetched, mediaType);
    await context.content.ingest({ digest, size: fetched.length, source: () => once(fetched), signal });
    return manifest;
  }
  return parseManifest(await context.content.read(digest, MAX_MANIFEST_BYTES), mediaType);
}

async function readConfig(
  { context, repository, lease, signal }: DocumentFetch,
  descriptor: Descriptor,
): Promise<Uint8Array> {
  const { digest, size } = descriptor;
  lease.digests.add(digest);
  if (size > MAX_CONFIG_BYTES) {
    throw new OciError("CONFIG_INVALID", `Cannot read the image config: it is larger than ${MAX_CONFIG_BYTES} bytes`);
  }
  const source = (offset: number) => repository.fetchBlob(descriptor, offset, signal);
  await context.content.ingest({ digest, size, source, signal });
  return await context.content.read(digest, MAX_CONFIG_BYTES);
}

function chooseManifest(index: Index, platform: Platform): Descriptor {
  const unlabelled = index.manifests.filter((manifest) => manifest.platform === undefined);
  // A manifest without platform may be for any: its config will tell.
  const chosen = matchPlatforms(index.manifests, platform)[0] ?? unlabelled[0];
  if (chosen !== undefined) return chosen;
  const offered = index.manifests.flatMap((manifest) => manifest.platform ?? []).map(formatPlatform);
  throw wrongPlatform(platform, [...new Set(offered)].slice(0, 20).join(", ") || "none");
}

function checkPlatform(platform: Platform, wanted: Platform): void {
  if (platform.os === "" && platform.architecture === "") return;
  if (matchPlatforms([{ platform }], wanted).length === 0) throw wrongPlatform(wanted, formatPlatform(platform));
}

function checkKinds({ config, layers }: Manifest): void {
  if (!isConfigMediaType(config.mediaType)) {
    throw new OciError(
      "MANIFEST_UNSUPPORTED",
      `Cannot run the image: it is an artifact (${quote(config.mediaType)}), no container image`,
    );
  }
  const odd = layers.find((layer) => !isLayerMediaType(layer.mediaType));
  if (odd !== undefined) {
    throw new OciError(
      "MANIFEST_UNSUPPORTED",
      `Cannot unpack the image: a layer has the media type ${quote(odd.mediaType)}`,
    );
  }
}

function wrongPlatform(wanted: Platform, offered: string): OciError {
  const message = `Cannot use the image: no match for platform ${formatPlatform(wanted)}; it is for ${offered.slice(0, 400)}`;
  return new OciError("PLATFORM_UNKNOWN", message);
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 128));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
