import { createHash } from "node:crypto";

import type { CriError } from "../../cri/cri-error.ts";
import type { Image, ImageFsInfo, ImageService, PullImageRequest, PullTraceService } from "../../cri/image-service.ts";
import type { ImageSpec } from "../../cri/image-spec.ts";
import { PullTraceLog, type PullTraceRecorder } from "../../trace/pull-trace-recorder.ts";

/** A registry's answer to one user name, `""` for nobody. */
export type PullAnswer = (username: string) => CriError | undefined;

/** A pull that goes on until a test lets it end. */
export interface HeldPull {
  readonly finish: () => void;
  readonly finished: Promise<void>;
  /** What the pull tells of itself, once it has begun. */
  trace: PullTraceRecorder | undefined;
}

/** An image service whose registry answers as a test says. */
export class ScriptedImages implements ImageService, PullTraceService {
  readonly #present = new Map<string, Image>();
  readonly #traces = new PullTraceLog();
  readonly #held = new Map<string, HeldPull>();
  /** Answer of the registry for each image; images without one are there for everybody. */
  readonly answers = new Map<string, PullAnswer>();
  /** Pulls tried: image and user name. */
  readonly pulls: string[] = [];
  /** Names of the images removed, in order. */
  readonly removed: string[] = [];
  /** Why an image cannot be removed, by its name. */
  readonly removalErrors = new Map<string, CriError>();

  /** Puts an image on the node without a pull. */
  load(image: string, fields: Partial<Image> = {}): void {
    const id = scriptedImageId(image);
    const spec = { image: id };
    this.#present.set(image, { id, repoTags: [image], repoDigests: [], size: 1234, spec, pinned: false, ...fields });
  }

  listImages(): Promise<Image[]> {
    return Promise.resolve([...this.#present.values()]);
  }

  imageStatus({ image }: ImageSpec): Promise<Image | undefined> {
    return Promise.resolve(this.#find(image));
  }

  /** Makes pulls of an image wait until `finish` is called, and returns what a test can do with them. */
  hold(image: string): HeldPull {
    const { promise, resolve } = Promise.withResolvers<void>();
    const held: HeldPull = { finish: resolve, finished: promise, trace: undefined };
    this.#held.set(image, held);
    return held;
  }

  async pullImage({ image: { image }, auth, pullId = "" }: PullImageRequest, _signal?: AbortSignal): Promise<string> {
    const username = auth?.username ?? "";
    this.pulls.push(`${image} ${username}`.trim());
    const held = this.#held.get(image);
    if (held !== undefined) {
      held.trace = this.#traces.begin(pullId, image);
      await held.finished;
    }
    const error = this.answers.get(image)?.(username);
    if (error !== undefined) throw error;
    this.load(image);
    return scriptedImageId(image);
  }

  pullTrace(pullId: string): ReturnType<PullTraceService["pullTrace"]> {
    return Promise.resolve(this.#traces.find(pullId));
  }

  removeImage({ image }: ImageSpec): Promise<void> {
    const [name = ""] = this.#find(image)?.repoTags ?? [];
    const error = this.removalErrors.get(name);
    if (error !== undefined) return Promise.reject(error);
    if (this.#present.delete(name)) this.removed.push(name);
    return Promise.resolve();
  }

  imageFsInfo(): Promise<ImageFsInfo> {
    const usage = { timestamp: 0, mountpoint: "/images", usedBytes: 0, inodesUsed: 0 };
    return Promise.resolve({ imageFilesystems: [usage], containerFilesystems: [] });
  }

  #find(image: string): Image | undefined {
    return this.#present.get(image) ?? [...this.#present.values()].find(({ id }) => id === image);
  }
}

/** Returns the id that the image of this reference has. */
export function scriptedImageId(reference: string): string {
  return `sha256:${createHash("sha256").update(reference).digest("hex")}`;
}
