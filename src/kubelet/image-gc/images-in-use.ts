import type { PodSpec } from "../../api/core-v1.gen.ts";
import { podImages } from "../../api/pod-images.ts";
import { codeOf } from "../../base/coded-error.ts";
import type { Image, ImageService } from "../../cri/image-service.ts";
import type { Container, RuntimeService } from "../../cri/runtime-service.ts";

/** Where it is known what is in use. */
export interface ImageUsers {
  readonly runtime: Pick<RuntimeService, "listContainers">;
  readonly images: Pick<ImageService, "imageStatus">;
  /** The pods that run or wait to run on this node. */
  readonly pods: () => readonly PodSpec[];
}

/**
 * Returns a test for images that must stay: a container that the runtime knows, ended or not, is made from it, or a pod names it whose
 * container may be made any moment or whose pull is under way.
 */
export async function imagesInUse({ runtime, images, pods }: ImageUsers): Promise<(image: Image) => boolean> {
  const containers = await runtime.listContainers();
  const references = new Set(pods().flatMap((spec) => [...podImages(spec)].map(({ image }) => image)));
  const wanted = await idsOf(images, references);
  const names = new Set([...containers.flatMap(namesOf), ...wanted.values()]);
  return ({ id, repoDigests, repoTags }) => [id, ...repoDigests, ...repoTags].some((name) => names.has(name));
}

/** Returns the ids of those images among `references` that are on the node, by reference. */
export async function idsOf(
  images: Pick<ImageService, "imageStatus">,
  references: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const named = [...references].filter((reference) => reference !== "");
  const found = await Promise.all(named.map(async (reference) => [reference, await idOf(images, reference)] as const));
  return new Map(found.flatMap(([reference, id]) => (id === undefined ? [] : [[reference, id]])));
}

/** A pod's typing error must not keep the others' images from being collected. */
async function idOf(images: Pick<ImageService, "imageStatus">, image: string): Promise<string | undefined> {
  try {
    return (await images.imageStatus({ image }))?.id;
  } catch (error) {
    if (codeOf(error) === "INVALID_ARGUMENT") return undefined;
    throw error;
  }
}

/** A tag may have moved on since the container was made: it counts only where the runtime tells nothing better. */
function namesOf({ imageId, imageRef, image }: Container): readonly string[] {
  const ids = [imageId, imageRef].filter((name) => name !== "");
  return ids.length > 0 ? ids : [image.image];
}
