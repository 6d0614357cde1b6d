import type { Event, ObjectReference } from "../api/core-v1.gen.ts";
import type { Clock } from "../base/clock.ts";
import { LruMap } from "./lru-map.ts";

/** What becomes of an event: made anew, counted in one that exists, or dropped because its source says too much. */
export type Correlation =
  | { readonly kind: "create"; readonly key: string; readonly event: Event }
  | { readonly kind: "count"; readonly key: string; readonly event: Event; readonly name: string }
  | { readonly kind: "drop" };

/** The limits of client-go's correlator. */
const MAX_KEYS = 4096;
const SIMILAR_LIMIT = 10;
const SIMILAR_WINDOW_MS = 600_000;
const BURST = 25;
const REFILL_MS = 300_000;

interface Similar {
  readonly messages: Set<string>;
  lastAt: number;
}

interface Tokens {
  left: number;
  lastAt: number;
}

interface Observed {
  readonly name: string;
  readonly firstTimestamp: string | undefined;
  readonly count: number;
}

/**
 * Joins events as client-go does: identical ones are counted, more than ten similar ones within ten minutes become one
 * `(combined from similar events): …`, and of one source and object at most 25 at once and one each five minutes pass.
 */
export class EventCorrelator {
  readonly #clock: Clock;
  readonly #similar = new LruMap<string, Similar>(MAX_KEYS);
  readonly #observed = new LruMap<string, Observed>(MAX_KEYS);
  readonly #tokens = new LruMap<string, Tokens>(MAX_KEYS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns what to do with an event that has just happened. */
  correlate(event: Event): Correlation {
    const { key, event: combined } = this.#combineSimilar(event);
    const correlation = this.#count(key, combined);
    return this.#mayPass(event) ? correlation : { kind: "drop" };
  }

  /** Tells what the server has stored for a key. */
  stored(key: string, event: Event): void {
    const { name = "" } = event.metadata;
    this.#observed.set(key, { name, firstTimestamp: event.firstTimestamp, count: event.count ?? 1 });
  }

  #combineSimilar(event: Event): { readonly key: string; readonly event: Event } {
    const group = similarityKey(event);
    const now = this.#clock.monotonic();
    const known = this.#similar.get(group);
    const isFresh = known !== undefined && now - known.lastAt <= SIMILAR_WINDOW_MS;
    const similar = isFresh ? known : { messages: new Set<string>(), lastAt: now };
    similar.lastAt = now;
    similar.messages.add(event.message ?? "");
    this.#similar.set(group, similar);
    if (similar.messages.size < SIMILAR_LIMIT) return { key: identityKey(event), event };
    dropOldest(similar.messages);
    return { key: group, event: { ...event, message: `(combined from similar events): ${event.message ?? ""}` } };
  }

  #count(key: string, event: Event): Correlation {
    const observed = this.#observed.get(key);
    if (observed === undefined) {
      this.stored(key, event);
      return { kind: "create", key, event };
    }
    const { name, firstTimestamp } = observed;
    const counted = { ...event, metadata: { ...event.metadata, name }, firstTimestamp, count: observed.count + 1 };
    this.stored(key, counted);
    return { kind: "count", key, event: counted, name };
  }

  #mayPass(event: Event): boolean {
    const key = sourceKey(event);
    const now = this.#clock.monotonic();
    const tokens = this.#tokens.get(key) ?? { left: BURST, lastAt: now };
    const left = Math.min(BURST, tokens.left + (now - tokens.lastAt) / REFILL_MS);
    const passes = left >= 1;
    this.#tokens.set(key, { left: passes ? left - 1 : left, lastAt: now });
    return passes;
  }
}

function objectParts(reference: ObjectReference): readonly (string | undefined)[] {
  return [reference.kind, reference.namespace, reference.name, reference.uid, reference.apiVersion];
}

function sourceKey(event: Event): string {
  return joined([event.source?.component, event.source?.host, ...objectParts(event.involvedObject)]);
}

function similarityKey(event: Event): string {
  return joined([sourceKey(event), event.type, event.reason, event.reportingComponent, event.reportingInstance]);
}

function identityKey(event: Event): string {
  return joined([sourceKey(event), event.involvedObject.fieldPath, event.type, event.reason, event.message]);
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.map((part) => part ?? "").join("\u0000");
}

function dropOldest(set: Set<string>): void {
  for (const first of set) {
    set.delete(first);
    return;
  }
}
