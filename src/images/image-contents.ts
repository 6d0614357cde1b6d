import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { parseManifest } from "../oci/manifest.ts";
import { MAX_MANIFEST_BYTES } from "../registry/registry-client.ts";
import type { ImageContext } from "./image-context.ts";
import type { ImageRecord } from "./image-records.ts";

/** All that an image consists of, as it leaves the node. */
export interface ImageContents {
  /** Manifests and indexes, each after what it names; the last one is the image's own. */
  readonly documents: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[];
  /** Configs and layers, each once. */
  readonly blobs: readonly Descriptor[];
}

/**
 * Returns what an image consists of: its index where all platforms of it were fetched, otherwise the one manifest that was
 * chosen from it, since an index would name what is not here.
 */
export async function imageContents({ content }: ImageContext, record: ImageRecord): Promise<ImageContents> {
  const top = record.others === undefined ? record.documents.at(-1) : record.documents[0];
  const documents = new Map<Digest, { descriptor: Descriptor; bytes: Uint8Array }>();
  const blobs = new Map<Digest, Descriptor>();
  const visit = async (digest: Digest, known: string | undefined): Promise<void> => {
    if (documents.has(digest)) return;
    const bytes = await content.read(digest, MAX_MANIFEST_BYTES);
    const document = parseManifest(bytes, known);
    if (document.kind === "index") {
      for (const manifest of document.manifests) await visit(manifest.digest, manifest.mediaType);
    } else {
      for (const blob of [document.config, ...document.layers]) blobs.set(blob.digest, blob);
    }
    documents.set(digest, { descriptor: { mediaType: document.mediaType, digest, size: bytes.length }, bytes });
  };
  if (top !== undefined) await visit(top.digest, undefined);
  return { documents: [...documents.values()], blobs: [...blobs.values()] };
}
