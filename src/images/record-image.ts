import { chainIdsOf } from "../oci/chain-id.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Reference } from "../oci/reference.ts";
import type { ImageDocuments } from "./fetch-documents.ts";
import { nameOf } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import type { BlobRecord, ImageRecord } from "./image-records.ts";

/** What an image is recorded under. */
export interface ImageNames {
  readonly references: readonly Reference[];
  /** Key of the lease that has done its work then. */
  readonly lease: string;
}

/** Makes an image, all of which is there, known by its names. Durable when the promise resolves. */
export async function recordImage(
  { records }: ImageContext,
  image: ImageDocuments,
  { references, lease }: ImageNames,
): Promise<void> {
  const imageId = image.manifest.config.digest;
  const { target } = image;
  const names = references.flatMap((reference) => [nameOf(reference), `${reference.repository}@${target}`]);
  await records.metadata.transaction([
    records.images.putting(imageId, recordOf(image, records.images.get(imageId))),
    ...names.map((name) => records.names.putting(name, { imageId, target })),
    records.leases.deleting(lease),
  ]);
}

function recordOf(image: ImageDocuments, existing: ImageRecord | undefined): ImageRecord {
  const chainId = chainIdsOf(image.config.diffIds).at(-1);
  const { preloaded, others } = existing ?? {};
  return {
    config: blobOf(image.manifest.config),
    documents: image.documents.map(blobOf),
    layers: image.manifest.layers.map(blobOf),
    ...(chainId === undefined ? {} : { chainId }),
    user: image.config.config.user,
    pinned: existing?.pinned ?? false,
    ...(preloaded === undefined ? {} : { preloaded }),
    ...(others === undefined ? {} : { others }),
  };
}

function blobOf({ digest, size }: Descriptor): BlobRecord {
  return { digest, size };
}
