import type { ImageSpec } from "../cri/image-spec.ts";
import type { Digest } from "../oci/digest.ts";
import { type ImageConfig, parseImageConfig } from "../oci/image-config.ts";
import { parseReference } from "../oci/reference.ts";
import { findImage } from "./find-image.ts";
import type { ImageContext } from "./image-context.ts";
import { imageOf } from "./image-of.ts";

/** An image as a container is made from it. */
export interface ResolvedImage {
  /** Digest of the config. */
  readonly id: Digest;
  /** `repository@digest`, of the repository that the spec names where it was pulled from several. */
  readonly repoDigest?: string;
  readonly config: ImageConfig;
  /** Names the snapshot of its layers; absent where it has none. */
  readonly chainId?: Digest;
}

/** Largest config that is read. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Returns the image that a spec names, or undefined where the node lacks it or a part of it. */
export async function resolveImage(context: ImageContext, spec: ImageSpec): Promise<ResolvedImage | undefined> {
  const found = await findImage(context, spec);
  if (found === undefined) return undefined;
  const { id, record } = found;
  const repoDigest = repoDigestFor(imageOf(context, found).repoDigests, spec);
  return {
    id,
    ...(repoDigest === undefined ? {} : { repoDigest }),
    config: parseImageConfig(await context.content.read(record.config.digest, MAX_CONFIG_BYTES)),
    ...(record.chainId === undefined ? {} : { chainId: record.chainId }),
  };
}

function repoDigestFor(repoDigests: readonly string[], spec: ImageSpec): string | undefined {
  for (const text of [spec.image, spec.userSpecifiedImage ?? ""]) {
    const repository = repositoryIn(text);
    const found = repoDigests.find((repoDigest) => repoDigest.startsWith(`${repository}@`));
    if (repository !== undefined && found !== undefined) return found;
  }
  return repoDigests[0];
}

function repositoryIn(text: string): string | undefined {
  try {
    return parseReference(text).repository;
  } catch {
    return undefined;
  }
}
