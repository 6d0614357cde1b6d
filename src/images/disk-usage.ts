import type { DiskUsage, ImageUsage } from "../cri/image-administration.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImageContext } from "./image-context.ts";
import { blobsOf, type ImageRecord } from "./image-records.ts";
import { tagsOf } from "./name-image.ts";

/** Returns what images take on disk. */
export async function diskUsage(context: ImageContext): Promise<DiskUsage> {
  const { content, snapshotter, records } = context;
  const images = records.images.list();
  const users = new Map<Digest, number>();
  for (const { record } of images) {
    for (const digest of digestsOf(record)) users.set(digest, (users.get(digest) ?? 0) + 1);
  }
  const writable = (await snapshotter.listRootfs()).map(async (key) => (await snapshotter.rootfsUsage(key)).bytes);
  return {
    images: images.map(({ id, record }) => usageOf(context, { id, record, users })),
    contentBytes: sum((await content.list()).map(({ size }) => size)),
    layerBytes: sum(snapshotter.list().map(({ bytes }) => bytes)),
    containerBytes: sum(await Promise.all(writable)),
  };
}

interface CountedImage {
  readonly id: string;
  readonly record: ImageRecord;
  /** How many images have a blob. */
  readonly users: ReadonlyMap<Digest, number>;
}

function usageOf(context: ImageContext, { id, record, users }: CountedImage): ImageUsage {
  const blobs = [...new Map(blobsOf(record).map((blob) => [blob.digest, blob])).values()];
  const shared = blobs.filter(({ digest }) => (users.get(digest) ?? 0) > 1);
  return {
    id,
    names: tagsOf(context, id),
    size: sum(blobs.map(({ size }) => size)),
    sharedSize: sum(shared.map(({ size }) => size)),
    unpackedSize: unpackedSize(context, record.chainId),
  };
}

function unpackedSize({ snapshotter }: ImageContext, chainId: Digest | undefined): number {
  let bytes = 0;
  for (let at = chainId; at !== undefined;) {
    const snapshot = snapshotter.stat(at);
    bytes += snapshot?.bytes ?? 0;
    at = snapshot?.parent;
  }
  return bytes;
}

function digestsOf(record: ImageRecord): ReadonlySet<Digest> {
  return new Set(blobsOf(record).map(({ digest }) => digest));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
