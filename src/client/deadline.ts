/** A signal that aborts with another one or after a time, whichever is first. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  readonly isOver: boolean;
}

/**
 * Returns a deadline that leaves nothing behind once disposed of. `AbortSignal.timeout` would keep a timer for each call until it is due,
 * and `AbortSignal.any` a follower of each long-lived signal until a collection.
 */
export function deadlineAfter(ms: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  let isOver = false;
  const timer = setTimeout(() => {
    isOver = true;
    controller.abort();
  }, ms);
  const abort = (): void => {
    controller.abort(outer?.reason);
  };
  if (outer?.aborted === true) abort();
  outer?.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    get isOver() {
      return isOver;
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", abort);
    },
  };
}
