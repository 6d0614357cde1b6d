import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import type { Image, ImageService } from "../../cri/image-service.ts";
import type { FilesystemRoom } from "../node/host-info.ts";
import type { NodeEvents } from "../node/node-events.ts";
import { ImageGarbageError } from "./image-garbage-error.ts";
import { type ImageGarbagePolicy, isCollecting } from "./image-garbage-policy.ts";
import { type ImageUsage, readImageUsage, writeImageUsage } from "./image-usage-file.ts";
import { idsOf, imagesInUse, type ImageUsers } from "./images-in-use.ts";

export interface ImageGarbageOptions extends ImageUsers {
  readonly images: ImageService;
  readonly policy: ImageGarbagePolicy;
  /** Remembers over restarts when images were used. */
  readonly usageFile: string;
  /** Returns how much room the file system of a directory has; undefined where that is not known. */
  readonly readRoom: (directory: string) => Promise<FilesystemRoom | undefined>;
  readonly nodeEvents: Pick<NodeEvents, "warning">;
  /** Called when images have left the node. */
  readonly onRemoved: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the node's disk from filling with images: removes those unused, the longest unused first. */
export class ImageGarbage {
  readonly #options: ImageGarbageOptions;
  /** When images were used since the last look, by reference. */
  readonly #uses = new Map<string, number>();
  #usage: Map<string, ImageUsage> | undefined;
  #mountpoint: string | undefined;

  constructor(options: ImageGarbageOptions) {
    this.#options = options;
  }

  /** Notes that a container is about to be made from an image. */
  used(reference: string): void {
    const { policy, clock } = this.#options;
    // Nobody would look at it, ever.
    if (isCollecting(policy)) this.#uses.set(reference, clock.now());
  }

  /** Removes what the policy says. Throws `ImageGarbageError` where that was not enough. */
  async collect(): Promise<void> {
    const unused = await this.#look();
    const left = await this.#removeOld(unused);
    await this.#makeRoom(left);
  }

  /** Takes note of what there is and what is in use, and returns what may be removed, the longest unused first. */
  async #look(): Promise<readonly UnusedImage[]> {
    const { images, usageFile, clock } = this.#options;
    const known = (this.#usage ??= await readImageUsage(usageFile));
    const now = clock.now();
    const uses = new Map(this.#uses);
    const [present, isInUse, usedAt] = await Promise.all([
      images.listImages(),
      imagesInUse(this.#options),
      this.#timesById(uses),
    ]);
    const usage = new Map<string, ImageUsage>();
    for (const image of present) {
      const { firstSeen, lastUsed } = known.get(image.id) ?? { firstSeen: now, lastUsed: now };
      const used = isInUse(image) ? now : Math.max(lastUsed, usedAt.get(image.id) ?? 0);
      usage.set(image.id, { firstSeen, lastUsed: used });
    }
    this.#usage = usage;
    for (const [reference, at] of uses) if (this.#uses.get(reference) === at) this.#uses.delete(reference);
    await writeImageUsage(usageFile, usage);
    return present
      .filter((image) => !image.pinned && !isInUse(image))
      .map((image) => ({ image, firstSeen: now, lastUsed: now, ...usage.get(image.id) }))
      .toSorted((left, right) => left.lastUsed - right.lastUsed || left.firstSeen - right.firstSeen);
  }

  /** Returns the latest of the times that an image has under its names, by id. */
  async #timesById(uses: ReadonlyMap<string, number>): Promise<ReadonlyMap<string, number>> {
    const times = new Map<string, number>();
    for (const [reference, id] of await idsOf(this.#options.images, uses.keys())) {
      times.set(id, Math.max(times.get(id) ?? 0, uses.get(reference) ?? 0));
    }
    return times;
  }

  /** Removes images unused for longer than they may be, and returns the others. */
  async #removeOld(images: readonly UnusedImage[]): Promise<readonly UnusedImage[]> {
    const { policy, clock } = this.#options;
    if (policy.maximumAgeMs === 0) return images;
    const oldest = clock.now() - policy.maximumAgeMs;
    const failures: string[] = [];
    for (const { image } of images.filter(({ lastUsed }) => lastUsed < oldest)) {
      await this.#remove(image, "it was unused for too long").catch((error: unknown) =>
        failures.push(messageOf(error)),
      );
    }
    if (failures.length > 0) throw removalError("remove images that are too old", failures);
    return images.filter(({ lastUsed }) => lastUsed >= oldest);
  }

  async #makeRoom(images: readonly UnusedImage[]): Promise<void> {
    const { policy, clock } = this.#options;
    const { capacityBytes, availableBytes } = await this.#room();
    const usedPercent = 100 - Math.floor((availableBytes * 100) / capacityBytes);
    if (usedPercent < policy.highThresholdPercent) return;
    const wantedBytes = Math.floor((capacityBytes * (100 - policy.lowThresholdPercent)) / 100) - availableBytes;
    const newest = clock.now() - policy.minimumAgeMs;
    const failures: string[] = [];
    let freedBytes = 0;
    for (const { image } of images.filter(({ firstSeen }) => firstSeen <= newest)) {
      if (freedBytes >= wantedBytes) break;
      await this.#remove(image, `${usedPercent} % of the disk are in use`).catch((error: unknown) =>
        failures.push(messageOf(error)),
      );
      // Layers that other images have stay: only the disk knows what was freed.
      freedBytes = Math.max(freedBytes, (await this.#room()).availableBytes - availableBytes);
    }
    if (freedBytes >= wantedBytes) return;
    const freed = `wanted to free ${wantedBytes} bytes, but freed ${freedBytes} bytes space`;
    if (failures.length > 0) throw removalError(freed, failures);
    const message = `Failed to garbage collect required amount of images. Attempted to free ${wantedBytes} bytes, but only found ${freedBytes} bytes eligible to free.`;
    this.#options.nodeEvents.warning("FreeDiskSpaceFailed", message);
    throw new ImageGarbageError("NOT_ENOUGH_FREED", message);
  }

  async #remove(image: Image, why: string): Promise<void> {
    const { images, onRemoved, logger } = this.#options;
    // The first look may be minutes old after many removals, and pods come at any time.
    if ((await imagesInUse(this.#options))(image)) return;
    await images.removeImage({ image: image.id });
    this.#usage?.delete(image.id);
    logger.info({ id: image.id, names: image.repoTags, why }, "removed an image");
    onRemoved();
  }

  async #room(): Promise<FilesystemRoom> {
    const { images, readRoom, nodeEvents } = this.#options;
    this.#mountpoint ??= (await images.imageFsInfo()).imageFilesystems[0]?.mountpoint;
    const room = this.#mountpoint === undefined ? undefined : await readRoom(this.#mountpoint);
    if (room === undefined) throw new ImageGarbageError("STATS_FAILED", "failed to get imageFs stats");
    if (room.capacityBytes > 0) return { ...room, availableBytes: Math.min(room.availableBytes, room.capacityBytes) };
    const message = "invalid capacity 0 on image filesystem";
    nodeEvents.warning("InvalidDiskCapacity", message);
    throw new ImageGarbageError("INVALID_CAPACITY", message);
  }
}

interface UnusedImage extends ImageUsage {
  readonly image: Image;
}

function removalError(what: string, failures: readonly string[]): ImageGarbageError {
  return new ImageGarbageError("REMOVAL_FAILED", `${what} with errors in image deletion: ${failures.join(", ")}`);
}
