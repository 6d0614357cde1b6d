import type { ImageDetails, ListedImage } from "../cri/image-administration.ts";
import type { Digest } from "../oci/digest.ts";
import { type ImageConfig, parseImageConfig } from "../oci/image-config.ts";
import { formatPlatform } from "../oci/platform.ts";
import { parseStrictJson } from "../oci/strict-json.ts";
import { type FoundImage, isWhole } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { imageOf } from "./image-of.ts";
import { recordedName, requireImage } from "./name-image.ts";
import { MAX_CONFIG_BYTES } from "./resolve-image.ts";

/** Returns all images on the node, by name. */
export async function listForUser(context: ImageContext): Promise<ListedImage[]> {
  const images: ListedImage[] = [];
  for (const { id, record } of context.records.images.list()) {
    if (!(await isWhole(context, record))) continue;
    const found = { id: id as Digest, record };
    images.push(listed(context, found, parseImageConfig(await configBytes(context, found))));
  }
  return images.toSorted((a, b) => firstName(a).localeCompare(firstName(b)));
}

/** Returns what there is to know of an image. Throws `CriError` with code `NOT_FOUND`. */
export async function inspectImage(context: ImageContext, image: string): Promise<ImageDetails> {
  const found = await requireImage(context, image, "inspect");
  const bytes = await configBytes(context, found);
  const config = parseImageConfig(bytes);
  const name = recordedName(context, image);
  const target = name === undefined ? undefined : context.records.names.get(name)?.target;
  return {
    ...listed(context, found, config),
    target: target ?? found.record.documents[0]?.digest ?? found.id,
    layers: found.record.layers.map((layer, index) => ({ ...layer, diffId: config.diffIds[index] ?? "" })),
    config: parseStrictJson(bytes),
  };
}

async function configBytes({ content }: ImageContext, { record }: FoundImage): Promise<Uint8Array> {
  return await content.read(record.config.digest, MAX_CONFIG_BYTES);
}

function listed(context: ImageContext, found: FoundImage, config: ImageConfig): ListedImage {
  const { id, repoTags, repoDigests, size } = imageOf(context, found);
  const { created, platform } = config;
  return {
    id,
    names: repoTags,
    repoDigests,
    platform: formatPlatform(platform),
    ...(created === undefined ? {} : { created }),
    size,
    preloaded: found.record.preloaded === true,
  };
}

function firstName({ names, repoDigests, id }: ListedImage): string {
  return names[0] ?? repoDigests[0] ?? id;
}
