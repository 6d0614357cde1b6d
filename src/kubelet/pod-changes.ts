/** Who wants to know when a pod has changed in the runtime. */
export class PodChanges {
  readonly #callbacks = new Map<string, Set<() => void>>();

  /** Calls back at each change of the pod; returns what ends that. */
  subscribe(podUid: string, callback: () => void): () => void {
    const callbacks = this.#callbacks.get(podUid) ?? new Set();
    this.#callbacks.set(podUid, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0 && this.#callbacks.get(podUid) === callbacks) this.#callbacks.delete(podUid);
    };
  }

  tell(podUid: string): void {
    for (const callback of this.#callbacks.get(podUid) ?? []) callback();
  }
}
