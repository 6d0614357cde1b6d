import { failpoint } from "../base/failpoint.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImageContext } from "./image-context.ts";
import { blobsOf } from "./image-records.ts";

/** How long what a failed pull fetched is kept for its next try. */
const LEASE_MS = 24 * 60 * 60 * 1000;

/** Removes blobs and snapshots that no image, no running or recently failed pull, and no container uses. Returns the bytes freed. */
export async function collectGarbage(context: ImageContext): Promise<number> {
  return await context.mutex.run("garbage", async () => {
    await failpoint("images.before-garbage-collection");
    await dropOldLeases(context);
    const { content, snapshotter, logger } = context;
    const blobBytes = await content.collectGarbage(liveDigests(context));
    const snapshotBytes = await snapshotter.collectGarbage(liveChainIds(context));
    if (blobBytes + snapshotBytes > 0) logger.info({ blobBytes, snapshotBytes }, "removed unused image content");
    return blobBytes + snapshotBytes;
  });
}

async function dropOldLeases({ records }: ImageContext): Promise<void> {
  const oldest = Date.now() - LEASE_MS;
  const old = records.leases.list().filter(({ record }) => record.at < oldest);
  if (old.length > 0) await records.metadata.transaction(old.map(({ id }) => records.leases.deleting(id)));
}

function liveDigests({ records, leases }: ImageContext): Set<Digest> {
  const live = new Set(leases.digests());
  for (const { record } of records.images.list()) {
    for (const { digest } of blobsOf(record)) live.add(digest);
  }
  for (const { record } of records.leases.list()) for (const digest of record.digests) live.add(digest);
  return live;
}

function liveChainIds({ records, leases }: ImageContext): Set<Digest> {
  const ofImages = records.images.list().flatMap(({ record }) => record.chainId ?? []);
  const ofLeases = records.leases.list().flatMap(({ record }) => record.chainIds);
  return new Set([...leases.chainIds(), ...ofImages, ...ofLeases]);
}
