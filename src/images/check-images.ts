import { createHash } from "node:crypto";

import { messageOf } from "../base/coded-error.ts";
import type { CheckProblem, CheckReport } from "../cri/image-administration.ts";
import { algorithmOf, type Digest, digestOfHash } from "../oci/digest.ts";
import type { ImageContext } from "./image-context.ts";
import { type BlobRecord, blobsOf, type ImageRecord } from "./image-records.ts";
import { namesOf } from "./name-image.ts";
import { pullImage } from "./pull-image.ts";

/**
 * Reads every blob of every image and compares it with its digest; says which images lack blobs or unpacked layers. With
 * `repair` wrong blobs are removed (their images are not usable then) and pulled again by digest from where they came.
 */
export async function checkImages(
  context: ImageContext,
  { repair }: { readonly repair: boolean },
  signal?: AbortSignal,
): Promise<CheckReport> {
  const images = context.records.images.list();
  const blobs = new Map(images.flatMap(({ record }) => blobsOf(record)).map((blob) => [blob.digest, blob]));
  const faults = new Map<Digest, string>();
  let bytes = 0;
  for (const blob of blobs.values()) {
    const fault = await faultOf(context, blob, signal);
    if (fault !== undefined) faults.set(blob.digest, fault);
    bytes += blob.size;
  }
  if (repair) for (const digest of faults.keys()) await context.content.delete(digest);
  const problems: CheckProblem[] = [];
  for (const { id, record } of images) {
    const found = faultsOf(context, record, faults);
    if (found.length > 0) problems.push(await problemOf(context, { id, faults: found, repair, signal }));
  }
  return { blobs: blobs.size, bytes, problems };
}

async function faultOf(
  { content }: ImageContext,
  { digest, size }: BlobRecord,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const found = await content.stat(digest);
  if (found === undefined) return `blob ${digest} is missing`;
  if (found.size !== size) return `blob ${digest} has ${found.size} bytes, not ${size}`;
  const hash = createHash(algorithmOf(digest));
  await using handle = await content.open(digest);
  try {
    for await (const chunk of handle.createReadStream({ autoClose: false })) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
    }
  } catch (error) {
    signal?.throwIfAborted();
    return `blob ${digest} cannot be read: ${messageOf(error)}`;
  }
  return digestOfHash(algorithmOf(digest), hash) === digest ? undefined : `blob ${digest} holds other bytes`;
}

function faultsOf({ snapshotter }: ImageContext, record: ImageRecord, faults: ReadonlyMap<Digest, string>): string[] {
  const ofBlobs = blobsOf(record).flatMap(({ digest }) => faults.get(digest) ?? []);
  const lacksLayers = record.chainId !== undefined && snapshotter.stat(record.chainId) === undefined;
  return [...new Set(ofBlobs), ...(lacksLayers ? ["its unpacked layers are missing"] : [])];
}

interface Repair {
  readonly id: string;
  readonly faults: readonly string[];
  readonly repair: boolean;
  readonly signal: AbortSignal | undefined;
}

async function problemOf(context: ImageContext, { id, faults, repair, signal }: Repair): Promise<CheckProblem> {
  const all = namesOf(context, id);
  const names = all.filter((name) => !name.includes("@"));
  if (!repair) return { id, names, faults, repaired: false };
  const source = all.find((name) => name.includes("@"));
  if (source === undefined) return { id, names, faults, repaired: false, reason: "it has no name to pull it by" };
  try {
    await pullImage(context, { image: { image: source } }, signal);
    return { id, names, faults, repaired: true };
  } catch (error) {
    return { id, names, faults, repaired: false, reason: messageOf(error) };
  }
}
