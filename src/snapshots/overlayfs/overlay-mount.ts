import { existsSync } from "node:fs";
import { join } from "node:path";

import type { SnapshotMount } from "../mount-snapshot.ts";

/** The directories of one overlay, relative to `root`. */
export interface OverlayDirectories {
  readonly root: string;
  /** Layers, topmost first. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/** mount(2) takes one page of options, the last byte a NUL. */
const MAX_OPTION_BYTES = 4095;

/** Returns the mount of an overlay, or a bind mount of the upper directory where there is no layer. */
export function overlayMount(directories: OverlayDirectories): SnapshotMount {
  const { root, lower, upper, work } = directories;
  if (lower.length === 0) return { type: "bind", source: join(root, upper), options: [] };
  const absolute = optionsOf({
    lower: lower.map((path) => escapeOption(join(root, path))),
    upper: escapeOption(join(root, upper)),
    work: escapeOption(join(root, work)),
  });
  if (Buffer.byteLength(absolute.join(",")) <= MAX_OPTION_BYTES) {
    return { type: "overlay", source: "overlay", options: absolute };
  }
  // Images with many layers fit only without the path that all of them share.
  return { type: "overlay", source: "overlay", options: optionsOf({ lower, upper, work }), directory: root };
}

interface OverlayPaths {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

function optionsOf({ lower, upper, work }: OverlayPaths): readonly string[] {
  return [`lowerdir=${lower.join(":")}`, `upperdir=${upper}`, `workdir=${work}`, ...kernelOptions()];
}

/** Overlayfs reads `:` and `,` as ends of a path, unless a backslash stands before them. */
function escapeOption(path: string): string {
  return path.replaceAll(/[\\:,]/g, "\\$&");
}

let cachedKernelOptions: readonly string[] | undefined;

// With an index, an upper directory cannot be mounted again after its layers moved or while a mount of it lingers.
function kernelOptions(): readonly string[] {
  cachedKernelOptions ??= existsSync("/sys/module/overlay/parameters/index") ? ["index=off"] : [];
  return cachedKernelOptions;
}
