import type { CriError } from "../../cri/cri-error.ts";
import type { Image, ImageFsInfo, ImageService, PullImageRequest } from "../../cri/image-service.ts";
import type { ImageSpec } from "../../cri/image-spec.ts";

/** A registry's answer to one user name, `""` for nobody. */
export type PullAnswer = (username: string) => CriError | undefined;

/** An image service whose registry answers as a test says. */
export class ScriptedImages implements ImageService {
  readonly #present = new Set<string>();
  /** Answer of the registry for each image; images without one are there for everybody. */
  readonly answers = new Map<string, PullAnswer>();
  /** Pulls tried: image and user name. */
  readonly pulls: string[] = [];

  /** Puts an image on the node without a pull. */
  load(image: string): void {
    this.#present.add(image);
  }

  listImages(): Promise<Image[]> {
    return Promise.resolve([...this.#present].map(imageOf));
  }

  imageStatus({ image }: ImageSpec): Promise<Image | undefined> {
    return Promise.resolve(this.#present.has(image) ? imageOf(image) : undefined);
  }

  pullImage({ image: { image }, auth }: PullImageRequest, _signal?: AbortSignal): Promise<string> {
    const username = auth?.username ?? "";
    this.pulls.push(`${image} ${username}`.trim());
    const error = this.answers.get(image)?.(username);
    if (error !== undefined) return Promise.reject(error);
    this.#present.add(image);
    return Promise.resolve("sha256:1");
  }

  removeImage({ image }: ImageSpec): Promise<void> {
    this.#present.delete(image);
    return Promise.resolve();
  }

  imageFsInfo(): Promise<ImageFsInfo> {
    return Promise.resolve({ imageFilesystems: [], containerFilesystems: [] });
  }
}

function imageOf(image: string): Image {
  return { id: "sha256:1", repoTags: [image], repoDigests: [], size: 1234, spec: { image }, pinned: false };
}
