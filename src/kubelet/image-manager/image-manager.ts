import { type Clock, systemClock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { ImageSpec } from "../../cri/image-spec.ts";
import { applyDefaultTag } from "../../oci/reference.ts";
import { Backoff } from "../backoff.ts";
import { ContainerStartError } from "../container-start-error.ts";
import { formatGoDuration } from "../go-duration.ts";
import { type ImageRequest, PullQueue, type PullQueueOptions } from "./pull-queue.ts";
import { PullFailure } from "./pull-with-credentials.ts";

export interface ImageManagerOptions extends PullQueueOptions {
  /** Called when an image has come to the node. */
  readonly onPulled: () => void;
  /** Called with the reference of an image that a container is about to be made from. */
  readonly onUsed: (reference: string) => void;
}

/** Makes images present as each container's pull policy says. */
export class ImageManager {
  readonly #options: ImageManagerOptions;
  readonly #clock: Clock;
  readonly #backoff: Backoff;
  readonly #queue: PullQueue;
  /** Message of the last failed pull by back-off key. */
  readonly #failures = new Map<string, string>();

  constructor(options: ImageManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(this.#clock, { initialMs: 10_000, maxMs: 300_000 });
    this.#queue = new PullQueue(options);
  }

  /**
   * Returns the image to create the container from. Throws `ContainerStartError` with the reason the kubelet gives; events tell each
   * step. Pulls of different pods run side by side as far as the limits let them.
   */
  async ensureImage(request: ImageRequest, signal: AbortSignal): Promise<ImageSpec> {
    const image = this.#imageSpecOf(request);
    const policy = request.container.spec.imagePullPolicy ?? "IfNotPresent";
    if (policy !== "Always" && (await this.#isPresent(image, request))) {
      this.#event(request, "Normal", "Pulled", `Container image "${image.image}" already present on machine`);
      this.#options.onUsed(image.image);
      return image;
    }
    if (policy === "Never") {
      const message = `Container image "${image.image}" is not present with pull policy of Never`;
      this.#event(request, "Warning", "ErrImageNeverPull", message);
      throw new ContainerStartError("ErrImageNeverPull", message, { eventDetail: "ErrImageNeverPull" });
    }
    this.#checkBackoff(image, request);
    await this.#pull(image, request, signal);
    return image;
  }

  /** Ends the back-off of every image of a pod, as when its credentials changed or it is gone. */
  forgetBackoff(podUid: string): void {
    this.#backoff.forget(`${podUid}_`);
    for (const key of this.#failures.keys()) if (key.startsWith(`${podUid}_`)) this.#failures.delete(key);
  }

  #imageSpecOf(request: ImageRequest): ImageSpec {
    const written = request.container.spec.image ?? "";
    try {
      return { image: applyDefaultTag(written), userSpecifiedImage: written };
    } catch (error) {
      const message = `Failed to apply default image tag "${written}": couldn't parse image name "${written}": invalid reference format`;
      this.#event(request, "Warning", "InspectFailed", message);
      throw new ContainerStartError("InvalidImageName", message, { cause: error, eventDetail: "InvalidImageName" });
    }
  }

  async #isPresent(image: ImageSpec, request: ImageRequest): Promise<boolean> {
    try {
      return (await this.#options.images.imageStatus(image)) !== undefined;
    } catch (error) {
      const message = `Failed to inspect image "${image.image}": ${messageOf(error)}`;
      this.#event(request, "Warning", "InspectFailed", message);
      throw new ContainerStartError("ImageInspectError", message, { cause: error, eventDetail: "ImageInspectError" });
    }
  }

  #checkBackoff(image: ImageSpec, request: ImageRequest): void {
    const key = backoffKeyOf(request, image);
    const retryAt = this.#backoff.endsAtSinceUpdate(key);
    if (retryAt === undefined) return;
    const message = `Back-off pulling image "${image.image}"`;
    this.#event(request, "Normal", "BackOff", message);
    const failure = this.#failures.get(key);
    throw new ContainerStartError("ImagePullBackOff", failure === undefined ? message : `${message}: ${failure}`, {
      eventDetail: "ImagePullBackOff",
      retryAt,
    });
  }

  async #pull(image: ImageSpec, request: ImageRequest, signal: AbortSignal): Promise<void> {
    const key = backoffKeyOf(request, image);
    const startedAt = this.#clock.monotonic();
    this.#event(request, "Normal", "Pulling", `Pulling image "${image.image}"`);
    let pullMs: number;
    try {
      pullMs = await this.#queue.pull(image, request, signal);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failed(error, { image, request, key });
    }
    this.#failures.delete(key);
    this.#backoff.collectGarbage();
    this.#options.onPulled();
    this.#options.onUsed(image.image);
    await this.#reportPulled(image, request, { pullMs, totalMs: this.#clock.monotonic() - startedAt });
  }

  #failed(error: unknown, { image, request, key }: FailedPull): ContainerStartError {
    const message = messageOf(error);
    this.#event(request, "Warning", "Failed", `Failed to pull image "${image.image}": ${message}`);
    this.#backoff.next(key, this.#clock.now());
    const reason = (error instanceof PullFailure ? error.reason : undefined) ?? "ErrImagePull";
    const detail =
      reason === "ErrImagePull"
        ? message
        : `image pull failed for ${image.image} because ${CLAUSES[reason]}: ${message}`;
    this.#failures.set(key, `${reason}: ${detail}`);
    return new ContainerStartError(reason, detail, {
      cause: error,
      eventDetail: reason,
      retryAt: this.#clock.now() + SHOW_FAILURE_MS,
    });
  }

  async #reportPulled(image: ImageSpec, request: ImageRequest, times: PullTimes): Promise<void> {
    const size = (await this.#options.images.imageStatus(image).catch(() => undefined))?.size ?? 0;
    const [alone, total] = [formatGoDuration(times.pullMs), formatGoDuration(times.totalMs)];
    const message = `Successfully pulled image "${image.image}" in ${alone} (${total} including waiting). Image size: ${size} bytes.`;
    this.#event(request, "Normal", "Pulled", message);
  }

  #event(request: ImageRequest, type: "Normal" | "Warning", reason: string, message: string): void {
    this.#options.events.container(request, type, reason, message);
  }
}

/** How long a failure is shown as such before its status turns to `ImagePullBackOff`. */
const SHOW_FAILURE_MS = 1000;

const CLAUSES = {
  RegistryUnavailable: "the registry is unavailable",
  SignatureValidationFailed: "the signature validation failed",
} as const;

interface PullTimes {
  readonly pullMs: number;
  /** Its wait for a slot included. */
  readonly totalMs: number;
}

interface FailedPull {
  readonly image: ImageSpec;
  readonly request: ImageRequest;
  readonly key: string;
}

function backoffKeyOf({ pod }: ImageRequest, image: ImageSpec): string {
  return `${pod.uid}_${image.image}`;
}
