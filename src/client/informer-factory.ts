import type { KubernetesObject } from "../api/kubernetes-object.ts";
import { type ResourceType, apiPath } from "../api/resource-types.ts";
import { type Informer, type InformerOptions, createInformer } from "./informer.ts";
import type { Selection } from "./reflector.ts";
import type { RestClient } from "./rest-client.ts";

/** Informers that several components share: one for each resource and selection. */
export interface InformerFactory {
  /** Returns the informer of a resource, which starts when the factory runs, or at once where it does already. */
  informer<T extends KubernetesObject>(type: ResourceType<T>, selection?: Selection): Informer<T>;
  /** Runs all informers until `signal` aborts. Never throws. Once per factory. */
  run(signal: AbortSignal): Promise<void>;
}

/** Returns a factory whose informers use one client. */
export function createInformerFactory(
  client: RestClient,
  options: Pick<InformerOptions, "clock" | "logger"> = {},
): InformerFactory {
  const informers = new Map<string, Informer<unknown>>();
  const running: Promise<void>[] = [];
  let runSignal: AbortSignal | undefined;

  return {
    informer: <T extends KubernetesObject>(type: ResourceType<T>, selection: Selection = {}): Informer<T> => {
      const { namespace, labelSelector, fieldSelector } = selection;
      const key = [apiPath(type, { namespace }), labelSelector, fieldSelector].join("?");
      const known = informers.get(key);
      // The key holds the resource, and a resource's objects have one type.
      if (known !== undefined) return known as Informer<T>;
      const made = createInformer(client, type, { ...selection, ...options });
      informers.set(key, made);
      if (runSignal !== undefined) running.push(made.run(runSignal));
      return made;
    },
    run: async (signal) => {
      if (runSignal !== undefined) throw new TypeError("An informer factory runs once");
      runSignal = signal;
      for (const informer of informers.values()) running.push(informer.run(signal));
      await aborted(signal);
      await Promise.all(running);
    },
  };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve, { once: true });
  });
}
