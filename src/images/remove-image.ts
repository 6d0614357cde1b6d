import type { ImageSpec } from "../cri/image-spec.ts";
import { collectGarbage } from "./collect-garbage.ts";
import { findImage } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";

/** CRI `RemoveImage`: all names of the image, and what nothing else uses of it. Containers keep what they run on. */
export async function removeImage(context: ImageContext, spec: ImageSpec): Promise<void> {
  const found = await findImage(context, spec);
  if (found === undefined) return;
  const { records } = context;
  const names = records.names.list().filter((name) => name.record.imageId === found.id);
  await records.metadata.transaction([
    ...names.map((name) => records.names.deleting(name.id)),
    records.images.deleting(found.id),
  ]);
  await collectGarbage(context);
}
