import type { ImageContext } from "./image-context.ts";

/** Marks an image as an administrator's: it stays until somebody removes it. */
export async function keepImage({ records }: ImageContext, id: string): Promise<void> {
  const record = records.images.get(id);
  if (record === undefined || record.preloaded === true) return;
  await records.images.put(id, { ...record, preloaded: true });
}
