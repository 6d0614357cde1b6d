import { randomUUID } from "node:crypto";
import { join } from "node:path";

import { messageOf } from "../base/coded-error.ts";
import { CriError } from "../cri/cri-error.ts";
import type { LoadedImage } from "../cri/image-administration.ts";
import { chainIdsOf } from "../oci/chain-id.ts";
import type { Digest } from "../oci/digest.ts";
import { OciError } from "../oci/oci-error.ts";
import { formatReference } from "../oci/reference.ts";
import type { Repository } from "../registry/registry-client.ts";
import type { ActiveLease } from "./active-leases.ts";
import { type ArchivedImage, imagesInArchive } from "./archive/archive-images.ts";
import { archiveRepository } from "./archive/archive-repository.ts";
import { invalidArchive } from "./archive/invalid-archive.ts";
import { type Archive, openArchive } from "./archive/open-archive.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { fetchDocuments, type ImageDocuments } from "./fetch-documents.ts";
import { fetchOtherPlatforms, type OtherPlatforms } from "./fetch-other-platforms.ts";
import { isWhole, nameOf } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { keepImage } from "./keep-image.ts";
import { namesOf } from "./name-image.ts";
import { leaseRecordOf } from "./pull-image.ts";
import { pullLayers } from "./pull-layers.ts";
import { recordImage } from "./record-image.ts";

/**
 * Takes up the images of an archive with all the checks of a pull, and keeps them until somebody removes them. Of images for
 * several platforms those that the node cannot run are passed over. Throws `CriError`; what came before the fault stays.
 */
export async function loadImages(
  context: ImageContext,
  source: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<LoadedImage[]> {
  try {
    await using archive = await openArchive(join(context.root, "archives"), source, signal);
    return await loadAll(context, archive, signal);
  } catch (error) {
    if (error instanceof CriError || signal?.aborted === true) throw error;
    throw invalidArchive(messageOf(error), error);
  } finally {
    await collectGarbage(context);
  }
}

async function loadAll(context: ImageContext, archive: Archive, signal?: AbortSignal): Promise<LoadedImage[]> {
  const loaded = new Map<string, LoadedImage>();
  let passedOver: OciError | undefined;
  for (const image of await imagesInArchive(archive)) {
    try {
      const id = await loadOne({ context, archive, image, signal });
      const names = [...(loaded.get(id)?.names ?? []), ...image.names.map(formatReference)];
      loaded.set(id, { id, names: [...new Set(names)] });
    } catch (error) {
      if (error instanceof OciError && error.code === "PLATFORM_UNKNOWN") passedOver = error;
      else throw error;
    }
  }
  if (loaded.size === 0) throw passedOver ?? invalidArchive("it holds no image");
  return [...loaded.values()];
}

interface Load {
  readonly context: ImageContext;
  readonly archive: Archive;
  readonly image: ArchivedImage;
  readonly signal: AbortSignal | undefined;
}

async function loadOne({ context, archive, image, signal }: Load): Promise<Digest> {
  const repository = archiveRepository(archive, image);
  using lease = context.leases.open();
  const documents = await fetchDocuments({ context, repository, lease, signal });
  const id = documents.manifest.config.digest;
  if (!(await nameExisting(context, image, id))) await takeUp({ context, repository, image, signal }, documents, lease);
  await keepImage(context, id);
  await loadOtherPlatforms(context, { id, repository, signal });
  return id;
}

interface TakeUp extends Omit<Load, "archive"> {
  readonly repository: Repository;
}

async function takeUp(load: TakeUp, documents: ImageDocuments, lease: ActiveLease): Promise<void> {
  const { context, repository, image, signal } = load;
  const id = documents.manifest.config.digest;
  const key = `archive:${id}`;
  await takeLease({ context, lease, documents, key });
  const first = image.names[0];
  const trace = context.traces.begin(randomUUID(), first === undefined ? id : formatReference(first));
  try {
    await pullLayers({ context, repository, image: documents, trace, signal });
    await recordImage(context, documents, { references: image.names, lease: key });
    trace.pulled(id);
  } catch (error) {
    trace.failed(error);
    // The next try has the whole archive again: there is nothing to go on with.
    await context.records.leases.delete(key);
    throw error;
  }
}

/** An archive may hold one platform alone of those that its index names. */
async function loadOtherPlatforms(context: ImageContext, others: OtherPlatforms): Promise<void> {
  try {
    await fetchOtherPlatforms(context, others);
  } catch (error) {
    if (!(error instanceof CriError && error.code === "INVALID_ARGUMENT")) throw error;
  }
}

/** Where the node has the image already, from a registry maybe, only names are added. */
async function nameExisting(context: ImageContext, { names }: ArchivedImage, imageId: Digest): Promise<boolean> {
  const { records } = context;
  const record = records.images.get(imageId);
  if (record === undefined || !(await isWhole(context, record))) return false;
  const known = new Set(namesOf(context, imageId));
  const target = record.documents[0]?.digest ?? imageId;
  const added = names.map(nameOf).filter((name) => !known.has(name));
  await records.metadata.transaction(added.map((name) => records.names.putting(name, { imageId, target })));
  return true;
}

interface LoadLease {
  readonly context: ImageContext;
  readonly lease: ActiveLease;
  readonly documents: ImageDocuments;
  readonly key: string;
}

async function takeLease({ context, lease, documents, key }: LoadLease): Promise<void> {
  for (const { digest } of documents.manifest.layers) lease.digests.add(digest);
  for (const chainId of chainIdsOf(documents.config.diffIds)) lease.chainIds.add(chainId);
  await context.records.leases.put(key, leaseRecordOf(lease));
}
