import type { ImageSpec } from "../cri/image-spec.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { formatReference, parseReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import type { ImageContext } from "./image-context.ts";
import type { ImageRecord } from "./image-records.ts";

/** An image that is on the node, all of it. */
export interface FoundImage {
  readonly id: Digest;
  readonly record: ImageRecord;
}

/**
 * Returns the image that a spec names: by reference in any spelling, or by its id with or without `sha256:`, also shortened
 * where that is unambiguous. Undefined where the node lacks it or any part of it.
 */
export async function findImage(context: ImageContext, spec: ImageSpec): Promise<FoundImage | undefined> {
  const id = idOfName(context, spec.image) ?? idOfPrefix(context, spec.image);
  const record = id === undefined ? undefined : context.records.images.get(id);
  if (id === undefined || record === undefined) return undefined;
  return (await isWhole(context, record)) ? { id, record } : undefined;
}

/** Says whether all blobs of an image are there, and its layers unpacked. */
export async function isWhole({ content, snapshotter }: ImageContext, record: ImageRecord): Promise<boolean> {
  if (record.chainId !== undefined && snapshotter.stat(record.chainId) === undefined) return false;
  const blobs = [record.config, ...record.documents, ...record.layers];
  const found = await Promise.all(blobs.map(async ({ digest, size }) => (await content.stat(digest))?.size === size));
  return found.every(Boolean);
}

/** Returns the name under which a reference is recorded: by digest where it has one, else by tag. */
export function nameOf(reference: Reference): string {
  const { repository, digest } = reference;
  return digest === undefined ? formatReference(withDefaultTag(reference)) : `${repository}@${digest}`;
}

function idOfName({ records }: ImageContext, text: string): Digest | undefined {
  // 64 digits are an id; with an algorithm they are one too, since a repository has no colon.
  if (isDigest(text)) return text;
  const prefixed = `sha256:${text}`;
  if (isDigest(prefixed)) return prefixed;
  try {
    return records.names.get(nameOf(parseReference(text)))?.imageId;
  } catch {
    return undefined;
  }
}

function idOfPrefix({ records }: ImageContext, text: string): Digest | undefined {
  const prefix = text.startsWith("sha256:") ? text : `sha256:${text}`;
  if (!/^sha256:[0-9a-f]{4,64}$/.test(prefix)) return undefined;
  const ids = records.images.list().filter(({ id }) => id.startsWith(prefix));
  const [only] = ids;
  return ids.length === 1 && only !== undefined ? (only.id as Digest) : undefined;
}
