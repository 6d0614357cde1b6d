import type { Clock } from "../../base/clock.ts";
import { formatBytes } from "../../base/format-bytes.ts";
import type { PullTraceService } from "../../cri/image-service.ts";
import type { LayerTrace, PullTrace } from "../../trace/pull-trace.ts";

export interface PullWatchOptions {
  /** An image service that does not keep traces tells nothing. */
  readonly traces: Partial<PullTraceService>;
  readonly clock: Clock;
  /** Gets how far the pull is, in words, after 10 s and then each time it has taken twice as long again. */
  readonly onProgress: (progress: string) => void;
}

/** One attempt at a pull. */
export interface WatchedAttempt {
  readonly pullId: string;
  /** Called when for 10 s no byte has come. */
  readonly onStall: () => void;
}

/** Looks at one pull for as long as it takes. */
export class PullWatch implements AsyncDisposable {
  readonly #options: PullWatchOptions;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #attempt: WatchedAttempt | undefined;

  constructor(options: PullWatchOptions) {
    this.#options = options;
    this.#watching = options.traces.pullTrace === undefined ? Promise.resolve() : this.#watch();
  }

  /** Looks at this attempt from now on. */
  follow(attempt: WatchedAttempt): void {
    this.#attempt = attempt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { clock, onProgress } = this.#options;
    const { signal } = this.#stop;
    let [before, told] = [0, 0];
    for (let looks = 1; await slept(clock, signal); looks++) {
      const trace = await this.#trace();
      if (signal.aborted) return;
      const bytes = bytesFetched(trace);
      if (trace !== undefined && bytes === before && isFetching(trace)) this.#attempt?.onStall();
      before = bytes;
      if (!isPowerOfTwo(looks)) continue;
      // A new attempt counts anew.
      const bytesPerSecond = (Math.max(0, bytes - told) * 1000) / (Math.ceil(looks / 2) * LOOK_MS);
      onProgress(describeProgress(trace, bytesPerSecond));
      told = bytes;
    }
  }

  async #trace(): Promise<PullTrace | undefined> {
    if (this.#attempt === undefined) return undefined;
    return await this.#options.traces.pullTrace?.(this.#attempt.pullId).catch(() => undefined);
  }
}

const LOOK_MS = 10_000;

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}

async function slept(clock: Clock, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(LOOK_MS, signal);
    return true;
  } catch {
    return false;
  }
}

/** A pull that has all bytes works on them: that nothing comes does not mean that it hangs. */
function isFetching({ layers }: PullTrace): boolean {
  return layers.length === 0 || layers.some(({ state }) => state === "waiting" || state === "downloading");
}

function bytesFetched(trace: PullTrace | undefined): number {
  return sum(fetchedLayers(trace), ({ downloadedBytes }) => downloadedBytes);
}

/** Layers that were there before the pull are none of its work. */
function fetchedLayers(trace: PullTrace | undefined): readonly LayerTrace[] {
  return (trace?.layers ?? []).filter(({ state }) => state !== "present");
}

function describeProgress(trace: PullTrace | undefined, bytesPerSecond: number): string {
  if (trace === undefined) return "waiting for its turn";
  const { layers } = trace;
  if (layers.length === 0) return "waiting for the registry's answer";
  const done = layers.filter(({ state }) => state === "done" || state === "present").length;
  const bytes = bytesFetched(trace);
  const total = sum(fetchedLayers(trace), ({ size }) => size);
  const percent = total === 0 ? 100 : Math.floor((bytes / total) * 100);
  const amount = `${formatBytes(bytes)} of ${formatBytes(total)} (${percent} %)`;
  return `${amount}, ${done} of ${layers.length} layers, ${formatBytes(Math.round(bytesPerSecond))}/s`;
}

function sum<T>(items: readonly T[], valueOf: (item: T) => number): number {
  return items.reduce((total, item) => total + valueOf(item), 0);
}
