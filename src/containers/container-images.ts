import type { ImageSpec } from "../cri/image-spec.ts";
import type { Digest } from "../oci/digest.ts";
import type { ImageConfig } from "../oci/image-config.ts";

/** An image that is present and unpacked, as a container needs it. */
export interface ContainerImage {
  /** Digest of the image config. */
  readonly id: string;
  /** `repo@sha256:…` where the image came from a registry. */
  readonly repoDigest?: string | undefined;
  readonly config: ImageConfig;
  /** Names the unpacked layers; absent for an image without any. */
  readonly chainId?: Digest | undefined;
}

/** Where containers get their images from. */
export interface ContainerImages {
  /** Returns the image, or undefined where the node lacks it or a part of it. */
  resolveImage(spec: ImageSpec): Promise<ContainerImage | undefined>;
}
