import type { Descriptor } from "../oci/descriptor.ts";
import { parseManifest } from "../oci/manifest.ts";
import { isIndexMediaType, isManifestMediaType } from "../oci/media-type.ts";
import { MAX_MANIFEST_BYTES, type Repository } from "../registry/registry-client.ts";
import type { ActiveLease } from "./active-leases.ts";
import type { ImageContext } from "./image-context.ts";
import type { BlobRecord } from "./image-records.ts";

export interface OtherPlatforms {
  /** Id of the image that is on the node for one platform. */
  readonly id: string;
  readonly repository: Repository;
  readonly signal?: AbortSignal | undefined;
}

/** Manifests below one index, of all levels. */
const MAX_MANIFESTS = 200;

/** Fetches all that the index of an image names, without unpacking it, and keeps it with the image. */
export async function fetchOtherPlatforms(context: ImageContext, others: OtherPlatforms): Promise<void> {
  const { id, repository, signal } = others;
  const top = context.records.images.get(id)?.documents[0];
  if (top === undefined) return;
  using lease = context.leases.open();
  const fetch: Fetch = { context, repository, lease, signal, fetched: new Map() };
  const document = parseManifest(await context.content.read(top.digest, MAX_MANIFEST_BYTES));
  if (document.kind !== "index") return;
  for (const manifest of document.manifests) await fetchDocument(fetch, manifest);
  // Read anew: another pull may have changed it meanwhile.
  const record = context.records.images.get(id);
  if (record === undefined) return;
  await context.records.images.put(id, { ...record, others: [...fetch.fetched.values()] });
}

interface Fetch {
  readonly context: ImageContext;
  readonly repository: Repository;
  readonly lease: ActiveLease;
  readonly signal: AbortSignal | undefined;
  readonly fetched: Map<string, BlobRecord>;
}

async function fetchDocument(fetch: Fetch, descriptor: Descriptor): Promise<void> {
  const { fetched } = fetch;
  if (fetched.has(descriptor.digest)) return;
  if (fetched.size > MAX_MANIFESTS * MAX_MANIFESTS) throw new RangeError("Cannot fetch the index: it names too much");
  await fetchBlob(fetch, descriptor);
  const { mediaType, digest } = descriptor;
  if (!isIndexMediaType(mediaType) && !isManifestMediaType(mediaType)) return;
  const document = parseManifest(await fetch.context.content.read(digest, MAX_MANIFEST_BYTES), mediaType);
  if (document.kind === "index") {
    for (const manifest of document.manifests) await fetchDocument(fetch, manifest);
    return;
  }
  for (const blob of [document.config, ...document.layers]) await fetchBlob(fetch, blob);
}

async function fetchBlob({ context, repository, lease, signal, fetched }: Fetch, blob: Descriptor): Promise<void> {
  const { digest, size, mediaType } = blob;
  lease.digests.add(digest);
  fetched.set(digest, { digest, size });
  const isDocument = isIndexMediaType(mediaType) || isManifestMediaType(mediaType);
  const source = (offset: number) =>
    isDocument ? manifestBytes(repository, blob, signal) : repository.fetchBlob(blob, offset, signal);
  await context.content.ingest({ digest, size, source, signal });
}

async function* manifestBytes(
  repository: Repository,
  descriptor: Descriptor,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  yield await repository.fetchManifest(descriptor, signal);
}
