import type { Namespace } from "../api/core-v1.gen.ts";
import type { KubernetesObject } from "../api/kubernetes-object.ts";
import { NAMESPACES, type ResourceType } from "../api/resource-types.ts";
import { ignoringStaleness } from "../client/ignoring-staleness.ts";
import { type ControllerContext, controllerQueue, runQueue } from "./controller.ts";

/** An object that every namespace has. */
export interface KeepOptions<T extends KubernetesObject> {
  /** The controller's name in the log. */
  readonly controller: string;
  readonly type: ResourceType<T>;
  readonly name: string;
  /** Returns the object as it should be made in a namespace. */
  readonly make: (namespace: string) => T;
  /** Returns the object corrected, or undefined where it is as it should be. */
  readonly correct?: (present: T) => T | undefined;
}

/** Keeps one object in each active namespace: makes it at once where a namespace is new or the object was deleted. */
export async function keepInNamespaces<T extends KubernetesObject>(
  context: ControllerContext,
  options: KeepOptions<T>,
): Promise<void> {
  const { type, name } = options;
  const namespaces = context.informers.informer(NAMESPACES);
  const objects = context.informers.informer(type, { fieldSelector: `metadata.name=${name}` });
  const queue = controllerQueue(context, options.controller);
  const addNamespace = (namespace: Namespace): void => {
    queue.add(namespace.metadata?.name ?? "");
  };
  const addNamespaceOf = (object: T): void => {
    queue.add(object.metadata?.namespace ?? "");
  };
  namespaces.subscribe({ onAdd: addNamespace });
  objects.subscribe({
    onUpdate: (_old, object) => {
      addNamespaceOf(object);
    },
    onDelete: addNamespaceOf,
  });
  const work = async (namespace: string): Promise<void> => {
    if (namespaces.lister.get({ name: namespace })?.status?.phase === "Terminating") return;
    if (namespaces.lister.get({ name: namespace }) === undefined) return;
    const present = objects.lister.get({ namespace, name });
    if (present === undefined) {
      await ignoringStaleness(
        context.client.create(type, options.make(namespace), { namespace, signal: context.signal }),
      );
      return;
    }
    const corrected = options.correct?.(present);
    if (corrected !== undefined)
      await ignoringStaleness(context.client.update(type, corrected, { signal: context.signal }));
  };
  await runQueue(context, queue, { synced: [namespaces.synced, objects.synced], work });
}
