import type { ContainerImage } from "../../api/core-v1.gen.ts";
import type { Image } from "../../cri/image-service.ts";

/** Returns the images that a node's status lists: the largest first, no more than `max`, each with at most five names. */
export function nodeImagesOf(images: readonly Image[], max: number): ContainerImage[] {
  return images
    .toSorted((left, right) => right.size - left.size)
    .slice(0, max)
    .map(({ repoDigests, repoTags, size }) => ({
      names: [...repoDigests, ...repoTags].slice(0, MAX_NAMES),
      sizeBytes: size,
    }))
    .filter(({ names }) => names.length > 0);
}

const MAX_NAMES = 5;
