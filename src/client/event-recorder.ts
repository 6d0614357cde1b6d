import type { Event, ObjectReference } from "../api/core-v1.gen.ts";
import type { KubernetesObject } from "../api/kubernetes-object.ts";
import { EVENTS, type ResourceType, apiVersionOf } from "../api/resource-types.ts";
import { AsyncQueue, QueueOverflowError } from "../base/async-queue.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import { messageOf } from "../base/coded-error.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { backoffDelay } from "../base/retry.ts";
import { EventCorrelator } from "./event-correlator.ts";
import { EventNameSuffixes } from "./event-name-suffixes.ts";
import type { RestClient } from "./rest-client.ts";
import { isAnswer, isNotFound } from "./status-answer.ts";
import { timestamp } from "./timestamp.ts";

/** What has happened, in the words of the event's columns. */
export interface EventFacts {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  /** When it happened, in milliseconds since the epoch; now by default. */
  readonly at?: number;
}

/** Tells the cluster what has happened to its objects. */
export interface EventRecorder extends AsyncDisposable {
  /** Queues an event about an object, and returns at once. Events that one recorder tells keep their order. Never throws. */
  record(object: ObjectReference, facts: EventFacts): void;
  /** Resolves when everything recorded until now is stored, or given up. */
  flush(): Promise<void>;
}

/** Who tells, and how. */
export interface EventRecorderOptions {
  readonly client: RestClient;
  /** As in `kubelet` and `default-scheduler`. */
  readonly component: string;
  readonly host?: string;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/**
 * Returns a recorder that joins events as client-go does and outlives outages of the API server: an event is tried for some two
 * minutes, and a thousand may wait. Disposing it stores what waits for at most two seconds.
 */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueueingEventRecorder(options);
}

/** Returns the reference to an object, or with `fieldPath` to a part of it such as `spec.containers{app}`. */
export function objectReferenceOf<T extends KubernetesObject>(
  type: ResourceType<T>,
  object: T,
  fieldPath?: string,
): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {};
  return {
    apiVersion: apiVersionOf(type),
    kind: type.kind,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(fieldPath !== undefined && { fieldPath }),
  };
}

const CAPACITY = 1000;
const MAX_TRIES = 16;
const BACKOFF = { initialMs: 100, maxMs: 10_000, jitter: 0.5 } as const;
const DISPOSE_MS = 2_000;
/** core/v1 sets no bound, but what a registry says must not fill the store. */
const MAX_MESSAGE_LENGTH = 8192;

class QueueingEventRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #correlator: EventCorrelator;
  readonly #queue = new AsyncQueue<Event | (() => void)>(CAPACITY);
  readonly #stop = new AbortController();
  readonly #suffixes = new EventNameSuffixes();
  readonly #running: Promise<void>;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
    this.#correlator = new EventCorrelator(this.#clock);
    this.#running = this.#run();
  }

  record(object: ObjectReference, facts: EventFacts): void {
    try {
      this.#queue.push(this.#eventOf(object, facts));
    } catch (error) {
      if (!(error instanceof QueueOverflowError)) throw error;
      this.#logger.warn({ object, reason: facts.reason }, "event dropped: too many wait for the API server");
    }
  }

  async flush(): Promise<void> {
    if (this.#queue.isClosed) return await this.#running;
    const { promise, resolve } = Promise.withResolvers<void>();
    try {
      this.#queue.push(resolve);
    } catch {
      // Full: what waits now is stored before there is room.
      await this.#clock.sleep(100, this.#stop.signal).catch(() => undefined);
      return await this.flush();
    }
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queue.close();
    const deadline = setTimeout(() => {
      this.#stop.abort();
    }, DISPOSE_MS);
    await this.#running;
    clearTimeout(deadline);
  }

  async #run(): Promise<void> {
    for await (const next of this.#queue) {
      if (typeof next === "function") next();
      else if (!this.#stop.signal.aborted) await this.#send(next);
    }
  }

  async #send(event: Event): Promise<void> {
    const correlation = this.#correlator.correlate(event);
    if (correlation.kind === "drop") return;
    const { key } = correlation;
    for (let attempt = 0; attempt < MAX_TRIES && !this.#stop.signal.aborted; attempt++) {
      try {
        this.#correlator.stored(key, await this.#store(correlation.event, correlation.kind === "count"));
        return;
      } catch (error) {
        // An answer will not change; only silence is worth another try.
        if (isAnswer(error)) return this.#giveUp(event, error);
        await this.#clock.sleep(backoffDelay(attempt, BACKOFF), this.#stop.signal).catch(() => undefined);
      }
    }
    this.#giveUp(event, "the API server could not be reached");
  }

  async #store(event: Event, isKnown: boolean): Promise<Event> {
    if (!isKnown) return await this.#create(event);
    const { namespace, name = "" } = event.metadata;
    const { count, lastTimestamp, message } = event;
    try {
      const patch = { count, lastTimestamp, message };
      return await this.#options.client.patch(EVENTS, { namespace, name }, patch, {
        kind: "merge",
        signal: this.#stop.signal,
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // It has expired meanwhile.
      return await this.#create(event);
    }
  }

  async #create(event: Event): Promise<Event> {
    return await this.#options.client.create(EVENTS, event, { signal: this.#stop.signal });
  }

  #giveUp(event: Event, error: unknown): void {
    const { involvedObject, reason } = event;
    this.#logger.warn({ involvedObject, reason, error: messageOf(error) }, "event not stored");
  }

  #eventOf(object: ObjectReference, facts: EventFacts): Event {
    const { component, host } = this.#options;
    const at = facts.at ?? this.#clock.now();
    const time = timestamp(at);
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: {
        namespace: object.namespace ?? "default",
        name: `${object.name ?? ""}.${this.#suffixes.next(at)}`,
      },
      involvedObject: object,
      type: facts.type,
      reason: facts.reason,
      message: shortened(facts.message),
      source: host === undefined ? { component } : { component, host },
      reportingComponent: component,
      ...(host !== undefined && { reportingInstance: host }),
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }
}

function shortened(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…`;
}
