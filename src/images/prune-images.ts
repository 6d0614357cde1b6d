import type { PruneReport } from "../cri/image-administration.ts";
import { collectGarbage } from "./collect-garbage.ts";
import type { ImageContext } from "./image-context.ts";
import type { ImageRecord } from "./image-records.ts";
import { namesOf } from "./name-image.ts";

/** Which images may go. */
export interface PruneOptions {
  /** Those too that an administrator loaded or pulled. */
  readonly all: boolean;
  /** Ids of images that containers are made from. */
  readonly inUse: ReadonlySet<string>;
}

/** Removes the images that no container uses, pinned ones never. */
export async function pruneImages(context: ImageContext, { all, inUse }: PruneOptions): Promise<PruneReport> {
  const { records } = context;
  const mayGo = ({ pinned, preloaded }: ImageRecord) => !pinned && (all || preloaded !== true);
  const gone = records.images.list().filter(({ id, record }) => mayGo(record) && !inUse.has(id));
  const ids = gone.map((image) => image.id);
  const names = ids.flatMap((id) => namesOf(context, id));
  await records.metadata.transaction([
    ...names.map((name) => records.names.deleting(name)),
    ...ids.map((id) => records.images.deleting(id)),
  ]);
  return { ids, bytes: await collectGarbage(context) };
}
