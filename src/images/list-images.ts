import type { Image } from "../cri/image-service.ts";
import type { ImageSpec } from "../cri/image-spec.ts";
import type { Digest } from "../oci/digest.ts";
import { isWhole } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { imageOf } from "./image-of.ts";
import { imageStatus } from "./image-status.ts";

/** CRI `ListImages`: all images, or the one that `filter` names. */
export async function listImages(context: ImageContext, filter?: ImageSpec): Promise<Image[]> {
  if (filter !== undefined && filter.image !== "") {
    const found = await imageStatus(context, filter);
    return found === undefined ? [] : [found];
  }
  const images: Image[] = [];
  for (const { id, record } of context.records.images.list()) {
    if (await isWhole(context, record)) images.push(imageOf(context, { id: id as Digest, record }));
  }
  return images;
}
