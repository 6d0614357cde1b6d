/** When images are removed from a node. */
export interface ImageGarbagePolicy {
  /** Percent of the image file system in use at which images are removed; 100 for never. */
  readonly highThresholdPercent: number;
  /** Percent in use down to which they are removed. */
  readonly lowThresholdPercent: number;
  /** How long an image must have been on the node before it is removed to make room. */
  readonly minimumAgeMs: number;
  /** How long an image may be unused, however much room there is; 0 for any time. */
  readonly maximumAgeMs: number;
}

/** What `KubeletConfiguration` has by default. */
export const DEFAULT_IMAGE_GARBAGE_POLICY: ImageGarbagePolicy = {
  highThresholdPercent: 85,
  lowThresholdPercent: 80,
  minimumAgeMs: 120_000,
  maximumAgeMs: 0,
};

/** Whether a policy ever removes an image. */
export function isCollecting({ highThresholdPercent, maximumAgeMs }: ImageGarbagePolicy): boolean {
  return highThresholdPercent < 100 || maximumAgeMs > 0;
}
