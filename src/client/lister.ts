import type { KubernetesObject } from "../api/kubernetes-object.ts";
import type { ObjectKey } from "./rest-client.ts";

/** Reads of an informer's cache. Objects are shared with all readers: never change one. */
export interface Lister<T> {
  get(target: ObjectKey): T | undefined;
  /** Returns all objects, or those of one namespace. */
  list(namespace?: string): T[];
  /** Objects in the cache. */
  readonly size: number;
}

/** Returns `namespace/name`, or the name alone where the object has no namespace. */
export function keyOf(target: ObjectKey): string {
  return target.namespace === undefined || target.namespace === "" ? target.name : `${target.namespace}/${target.name}`;
}

/** Returns where an object lives. */
export function objectKeyOf(object: KubernetesObject): ObjectKey {
  return { namespace: object.metadata?.namespace, name: object.metadata?.name ?? "" };
}

/** Returns what `keyOf` made the key from. */
export function parseKey(key: string): ObjectKey {
  const at = key.indexOf("/");
  return at < 0 ? { name: key } : { namespace: key.slice(0, at), name: key.slice(at + 1) };
}

/** Objects by namespace and name. */
export class ObjectCache<T extends KubernetesObject> implements Lister<T> {
  readonly #byNamespace = new Map<string, Map<string, T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(target: ObjectKey): T | undefined {
    return this.#byNamespace.get(target.namespace ?? "")?.get(target.name);
  }

  list(namespace?: string): T[] {
    if (namespace !== undefined) return [...(this.#byNamespace.get(namespace)?.values() ?? [])];
    return [...this.#byNamespace.values()].flatMap((objects) => [...objects.values()]);
  }

  /** Stores an object and returns the one it replaces. */
  set(object: T): T | undefined {
    const { namespace = "", name } = objectKeyOf(object);
    const objects = this.#byNamespace.get(namespace) ?? new Map<string, T>();
    this.#byNamespace.set(namespace, objects);
    const before = objects.get(name);
    objects.set(name, object);
    if (before === undefined) this.#size++;
    return before;
  }

  /** Removes an object and returns it. */
  delete(target: ObjectKey): T | undefined {
    const namespace = target.namespace ?? "";
    const objects = this.#byNamespace.get(namespace);
    const before = objects?.get(target.name);
    if (objects === undefined || before === undefined) return undefined;
    objects.delete(target.name);
    if (objects.size === 0) this.#byNamespace.delete(namespace);
    this.#size--;
    return before;
  }
}
