import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import type { NodeEvents } from "../node/node-events.ts";
import type { ImageGarbage } from "./image-garbage.ts";
import { type ImageGarbagePolicy, isCollecting } from "./image-garbage-policy.ts";

export interface CollectImagesOptions {
  readonly garbage: Pick<ImageGarbage, "collect">;
  readonly policy: ImageGarbagePolicy;
  /** Whether it is known which pods this node is to run: before, no image is known to be unused. */
  readonly isReady: () => boolean;
  readonly nodeEvents: Pick<NodeEvents, "warning">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Collects images every five minutes until `signal` aborts; failures in a row become events of the node. Never throws. */
export async function collectImages(options: CollectImagesOptions): Promise<void> {
  const { garbage, policy, isReady, nodeEvents, clock, logger, signal } = options;
  if (!isCollecting(policy)) return;
  let hasFailed = false;
  while (!signal.aborted) {
    if (isReady()) {
      try {
        await garbage.collect();
        hasFailed = false;
      } catch (error) {
        const message = messageOf(error);
        logger.warn({ error: message }, "images not collected");
        if (hasFailed) nodeEvents.warning("ImageGCFailed", message);
        hasFailed = true;
      }
    }
    await clock.sleep(isReady() ? PERIOD_MS : UNREADY_MS, signal).catch(() => undefined);
  }
}

const PERIOD_MS = 300_000;
const UNREADY_MS = 1_000;
