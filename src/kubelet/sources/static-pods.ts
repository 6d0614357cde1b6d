import { type FSWatcher, watch } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Pod } from "../../api/core-v1.gen.ts";
import type { Clock } from "../../base/clock.ts";
import { codeOf, messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import { Wakeup } from "../wakeup.ts";
import { parseStaticPod } from "./static-pod.ts";

export interface StaticPodsOptions {
  readonly directory: string;
  readonly nodeName: string;
  readonly applyDefaults: (pod: Pod) => Pod;
  /** Gets all static pods whenever they have changed, and once at the beginning. */
  readonly onChange: (pods: readonly Pod[]) => void;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Watches a directory of pod manifests until `signal` aborts. A file that cannot be used is logged once per version and left out; hidden
 * files are ignored. Never throws.
 */
export async function watchStaticPods(options: StaticPodsOptions): Promise<void> {
  const { directory, clock, signal } = options;
  const wakeup = new Wakeup(clock);
  const state: WatchState = { fingerprint: undefined, complaints: new Map() };
  while (!signal.aborted) {
    // Before the scan: a file that comes after it must not go unseen.
    const watcher = watchDirectory(directory, wakeup);
    await scan(options, state);
    // Notices can be lost, and a directory that is not there yet has none.
    wakeup.at(clock.now() + (watcher === undefined ? ABSENT_RESCAN_MS : RESCAN_MS));
    await wakeup.wait(signal);
    watcher?.close();
  }
}

const RESCAN_MS = 20_000;
const ABSENT_RESCAN_MS = 5_000;
const MAX_MANIFEST_BYTES = 10 * 1024 * 1024;

interface WatchState {
  fingerprint: string | undefined;
  /** The complaint last logged about each file. */
  readonly complaints: Map<string, string>;
}

function watchDirectory(directory: string, wakeup: Wakeup): FSWatcher | undefined {
  try {
    const watcher = watch(directory, () => wakeup.now());
    watcher.on("error", () => wakeup.now());
    return watcher;
  } catch {
    return undefined;
  }
}

async function scan(options: StaticPodsOptions, state: WatchState): Promise<void> {
  const names = (await readdir(options.directory).catch(() => [])).filter((name) => !name.startsWith("."));
  const pods: Pod[] = [];
  for (const name of names.toSorted()) {
    const pod = await readManifest(join(options.directory, name), options, state);
    if (pod !== undefined) pods.push(pod);
  }
  const fingerprint = JSON.stringify(pods.map(({ metadata }) => metadata?.uid));
  if (fingerprint === state.fingerprint) return;
  state.fingerprint = fingerprint;
  options.onChange(pods);
}

async function readManifest(path: string, options: StaticPodsOptions, state: WatchState): Promise<Pod | undefined> {
  const { nodeName, applyDefaults, logger } = options;
  try {
    const text = await readFile(path, "utf8");
    if (text.length > MAX_MANIFEST_BYTES)
      throw new RangeError(`Cannot use the static pod "${path}": the file is too large`);
    const pod = await parseStaticPod({ path, text, nodeName, applyDefaults });
    state.complaints.delete(path);
    return pod;
  } catch (error) {
    // Editors write beside a file and rename: what was listed may be gone by now.
    if (codeOf(error) === "ENOENT") return undefined;
    const complaint = messageOf(error);
    if (state.complaints.get(path) !== complaint) logger.warn({ path, error: complaint }, "static pod left out");
    state.complaints.set(path, complaint);
    return undefined;
  }
}
