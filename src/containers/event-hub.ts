import { AsyncQueue } from "../base/async-queue.ts";
import type { ContainerEvent } from "../cri/runtime-service.ts";

/** Sends container events to everybody who listens. */
export class EventHub {
  readonly #queues = new Set<AsyncQueue<ContainerEvent>>();

  publish(event: Omit<ContainerEvent, "createdAt">): void {
    for (const queue of this.#queues) this.#push(queue, { ...event, createdAt: Date.now() });
  }

  /** Returns the events from this call on, until `signal` aborts. A reader that falls too far behind gets an error and relists. */
  subscribe(signal: AbortSignal): AsyncIterable<ContainerEvent> {
    const queue = new AsyncQueue<ContainerEvent>(MAX_WAITING);
    this.#queues.add(queue);
    const end = (): void => {
      this.#queues.delete(queue);
      queue.close();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
    return queue;
  }

  #push(queue: AsyncQueue<ContainerEvent>, event: ContainerEvent): void {
    try {
      queue.push(event);
    } catch (error) {
      this.#queues.delete(queue);
      queue.fail(error);
    }
  }
}

const MAX_WAITING = 10_000;
