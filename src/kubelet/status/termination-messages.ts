import type { PodRuntime } from "../pod-runtime.ts";
import { terminationMessageOf } from "../termination-message.ts";

/** Termination messages of one pod's containers, each read once: a container that has ended writes no more. */
export class TerminationMessages {
  readonly #messages = new Map<string, string>();

  /** Returns the messages of the pod's ended containers by container id. */
  async read({ containers }: PodRuntime): Promise<ReadonlyMap<string, string>> {
    const ended = containers.filter(({ state }) => state === "CONTAINER_EXITED");
    await Promise.all(
      ended.map(async (status) => {
        if (!this.#messages.has(status.id)) this.#messages.set(status.id, await terminationMessageOf(status));
      }),
    );
    const ids = new Set(containers.map(({ id }) => id));
    for (const id of this.#messages.keys()) if (!ids.has(id)) this.#messages.delete(id);
    return this.#messages;
  }
}
