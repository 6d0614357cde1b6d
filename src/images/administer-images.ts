import type { ImageAdministration } from "../cri/image-administration.ts";
import { checkImages } from "./check-images.ts";
import { diskUsage } from "./disk-usage.ts";
import type { ImageContext } from "./image-context.ts";
import { inspectImage, listForUser } from "./inspect-image.ts";
import { loadImages } from "./load-images.ts";
import { tagImage } from "./name-image.ts";
import { pruneImages } from "./prune-images.ts";
import { pushImage } from "./push-image.ts";
import { saveImages } from "./save-images.ts";
import { untagImage } from "./untag-image.ts";
import { watchPull } from "./watch-pull.ts";

/** Returns what administrators do with a node's images. */
export function administerImages(
  context: ImageContext,
  inUse: () => Promise<ReadonlySet<string>>,
): ImageAdministration {
  return {
    pull: (request, signal) => watchPull(context, request, signal),
    list: () => listForUser(context),
    inspect: (image) => inspectImage(context, image),
    tag: (image, name) => tagImage(context, image, name),
    push: (request, signal) => pushImage(context, request, signal),
    remove: (image, options) => untagImage(context, image, options),
    prune: async ({ all }) => await pruneImages(context, { all, inUse: await inUse() }),
    save: (images, signal) => saveImages(context, images, signal),
    load: (archive, signal) => loadImages(context, archive, signal),
    diskUsage: () => diskUsage(context),
    check: (options, signal) => checkImages(context, options, signal),
  };
}
