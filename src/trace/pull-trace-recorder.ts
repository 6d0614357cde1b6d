import { messageOf } from "../base/coded-error.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { causeOfError } from "./cause-of-error.ts";
import type { LayerTrace, PullTrace, RequestTrace } from "./pull-trace.ts";

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Requests kept of one pull, the newest ones: a registry that answers 503 forever must not fill the memory. */
const MAX_REQUESTS = 200;

/** Collects the trace of one running pull. */
export class PullTraceRecorder {
  readonly #clock: Clock;
  readonly #trace: Mutable<PullTrace>;
  readonly #requests: RequestTrace[] = [];
  readonly #layers = new Map<string, Mutable<LayerTrace>>();

  constructor(pullId: string, image: string, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#trace = { pullId, image, startedAt: clock.now(), requests: [], layers: [] };
  }

  request(request: RequestTrace): void {
    this.#requests.push(request);
    if (this.#requests.length > MAX_REQUESTS) this.#requests.shift();
  }

  resolved(found: { readonly platform: string; readonly manifestDigest: string }): void {
    Object.assign(this.#trace, found);
  }

  /** Says which layers there are, and which of them need no download. */
  layers(layers: readonly { readonly digest: string; readonly size: number; readonly present: boolean }[]): void {
    for (const { digest, size, present } of layers) {
      this.#layers.set(digest, {
        digest,
        size,
        state: present ? "present" : "waiting",
        downloadedBytes: present ? size : 0,
      });
    }
  }

  layerState(digest: string, state: LayerTrace["state"]): void {
    const layer = this.#layers.get(digest);
    if (layer === undefined) return;
    layer.state = state;
    if (state === "downloading") layer.startedAt ??= this.#clock.now();
    if (state === "done" || state === "failed") layer.finishedAt = this.#clock.now();
  }

  layerBytes(digest: string, downloadedBytes: number): void {
    const layer = this.#layers.get(digest);
    if (layer !== undefined) layer.downloadedBytes = downloadedBytes;
  }

  pulled(imageRef: string): void {
    this.#finish({ kind: "pulled", imageRef });
  }

  failed(error: unknown): void {
    this.#finish({ kind: "failed", cause: causeOfError(error), message: messageOf(error) });
  }

  /** Returns a copy that later steps do not change. */
  snapshot(): PullTrace {
    const layers = Array.from(this.#layers.values(), (layer) => ({ ...layer }));
    return { ...this.#trace, requests: [...this.#requests], layers };
  }

  #finish(outcome: PullTrace["outcome"]): void {
    this.#trace.finishedAt = this.#clock.now();
    if (outcome !== undefined) this.#trace.outcome = outcome;
  }
}

/** The traces of running and recent pulls, by pull id; the oldest are forgotten. */
export class PullTraceLog {
  readonly #capacity: number;
  readonly #recorders = new Map<string, PullTraceRecorder>();

  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  /** Begins the trace of a pull; one with the same id is replaced. */
  begin(pullId: string, image: string): PullTraceRecorder {
    const recorder = new PullTraceRecorder(pullId, image);
    this.#recorders.delete(pullId);
    this.#recorders.set(pullId, recorder);
    const oldest = this.#recorders.keys().next().value;
    if (this.#recorders.size > this.#capacity && oldest !== undefined) this.#recorders.delete(oldest);
    return recorder;
  }

  find(pullId: string): PullTrace | undefined {
    return this.#recorders.get(pullId)?.snapshot();
  }
}
