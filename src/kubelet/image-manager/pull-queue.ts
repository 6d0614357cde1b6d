import { randomUUID } from "node:crypto";

import { type Clock, systemClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { RestClient } from "../../client/rest-client.ts";
import type { NodeFileCredentials } from "../../credentials/node-files.ts";
import type { AuthConfig, ImageService, PullTraceService } from "../../cri/image-service.ts";
import type { ImageSpec } from "../../cri/image-spec.ts";
import type { PodSandboxConfig } from "../../cri/runtime-service.ts";
import { createKeyring } from "../../keyring/keyring.ts";
import { parseReference } from "../../oci/reference.ts";
import type { PodAndContainer, PodEvents } from "../pod-events.ts";
import { readPullSecrets } from "../pull-secrets.ts";
import { PullRate, type PullRateLimits } from "./pull-rate.ts";
import { type PullSlot, PullSlots } from "./pull-slots.ts";
import { PullWatch } from "./pull-watch.ts";
import { pullWithCredentials } from "./pull-with-credentials.ts";

export interface PullQueueOptions {
  readonly client: RestClient;
  readonly images: ImageService & Partial<PullTraceService>;
  readonly nodeFiles: NodeFileCredentials;
  readonly events: PodEvents;
  readonly limits: PullLimits;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** What pulls of all pods share. */
export interface PullLimits {
  /** Pulls at the same time; `Infinity` for any number. A pull that gets no bytes does not count. */
  readonly maxParallel: number;
  readonly rate: PullRateLimits;
}

/** Which container needs its image, and for which sandbox. */
export interface ImageRequest extends PodAndContainer {
  readonly sandboxConfig: PodSandboxConfig;
}

/** Pulls images for all pods of a node: side by side as far as the limits let them, and then in turn. */
export class PullQueue {
  readonly #options: PullQueueOptions;
  readonly #clock: Clock;
  readonly #slots: PullSlots;
  readonly #rate: PullRate;

  constructor(options: PullQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#slots = new PullSlots(options.limits.maxParallel);
    this.#rate = new PullRate(this.#clock, options.limits.rate);
  }

  /**
   * Pulls an image when its turn has come, with each credential there is until one is taken; events tell how far a long pull is. Returns how
   * long it took without its wait, in milliseconds. Throws `PullFailure`.
   */
  async pull(image: ImageSpec, request: ImageRequest, signal: AbortSignal): Promise<number> {
    await using watch = new PullWatch({
      traces: this.#options.images,
      clock: this.#clock,
      onProgress: (progress) =>
        this.#options.events.container(request, "Normal", "Pulling", `Pulling image "${image.image}": ${progress}`),
    });
    using slot = await this.#slots.acquire(signal);
    const startedAt = this.#clock.monotonic();
    await this.#pullWithCredentials({ image, request, watch, slot }, signal);
    return this.#clock.monotonic() - startedAt;
  }

  async #pullWithCredentials(pull: PullInTurn, signal: AbortSignal): Promise<void> {
    const { client, nodeFiles, logger, events } = this.#options;
    const { pod } = pull.request;
    const [secrets, node] = await Promise.all([readPullSecrets({ client, logger }, pod, signal), nodeFiles.read()]);
    if (secrets.missing.length > 0) {
      const names = secrets.missing.join(", ");
      const message = `Unable to retrieve some image pull secrets (${names}); attempting to pull the image may not succeed.`;
      events.pod(pod, "Warning", "FailedToRetrieveImagePullSecret", message);
    }
    const notes = [
      ...secrets.missing.map((name) => `secret "${pod.namespace}/${name}" cannot be read`),
      ...secrets.unusable,
      ...node.passedOver.map(({ path, problem }) => `node file "${path}" passed over: ${problem}`),
    ];
    const keyring = createKeyring([secrets.configs, node.found === undefined ? [] : [node.found]]);
    const { repository } = parseReference(pull.image.image);
    const attempt = async (auth: AuthConfig | undefined) => await this.#attempt({ ...pull, auth }, signal);
    await pullWithCredentials(attempt, { repository, keyring, notes, signal });
  }

  async #attempt({ image, request, watch, slot, auth }: PullAttempt, signal: AbortSignal): Promise<string> {
    await this.#rate.take(signal);
    const { sandboxConfig } = request;
    const pullId = randomUUID();
    // What waits behind a registry that has gone silent must not wait for as long as that does.
    watch.follow({ pullId, onStall: () => slot.release() });
    const pull = { image, sandboxConfig, pullId, ...(auth === undefined ? {} : { auth }) };
    return await this.#options.images.pullImage(pull, signal);
  }
}

interface PullInTurn {
  readonly image: ImageSpec;
  readonly request: ImageRequest;
  readonly watch: PullWatch;
  readonly slot: PullSlot;
}

interface PullAttempt extends PullInTurn {
  readonly auth: AuthConfig | undefined;
}
