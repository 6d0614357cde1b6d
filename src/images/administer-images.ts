import type { ImageAdministration } from "../cri/image-administration.ts";
import type { ImageContext } from "./image-context.ts";

/** Returns what administrators do with a node's images. Seldom needed on most nodes: each verb is loaded when it is asked for. */
export function administerImages(
  context: ImageContext,
  inUse: () => Promise<ReadonlySet<string>>,
): ImageAdministration {
  return {
    pull: async function* (request, signal) {
      yield* (await import("./watch-pull.ts")).watchPull(context, request, signal);
    },
    push: async function* (request, signal) {
      yield* (await import("./push-image.ts")).pushImage(context, request, signal);
    },
    save: async function* (images, signal) {
      yield* (await import("./save-images.ts")).saveImages(context, images, signal);
    },
    load: async (archive, signal) => await (await import("./load-images.ts")).loadImages(context, archive, signal),
    list: async () => await (await import("./inspect-image.ts")).listForUser(context),
    inspect: async (image) => await (await import("./inspect-image.ts")).inspectImage(context, image),
    tag: async (image, name) => await (await import("./name-image.ts")).tagImage(context, image, name),
    remove: async (image, options) => await (await import("./untag-image.ts")).untagImage(context, image, options),
    prune: async ({ all }) =>
      await (await import("./prune-images.ts")).pruneImages(context, { all, inUse: await inUse() }),
    diskUsage: async () => await (await import("./disk-usage.ts")).diskUsage(context),
    check: async (options, signal) => await (await import("./check-images.ts")).checkImages(context, options, signal),
  };
}
