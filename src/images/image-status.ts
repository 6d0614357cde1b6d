import type { Image } from "../cri/image-service.ts";
import type { ImageSpec } from "../cri/image-spec.ts";
import { findImage } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { imageOf } from "./image-of.ts";

/** CRI `ImageStatus`. */
export async function imageStatus(context: ImageContext, spec: ImageSpec): Promise<Image | undefined> {
  const found = await findImage(context, spec);
  return found === undefined ? undefined : imageOf(context, found);
}
