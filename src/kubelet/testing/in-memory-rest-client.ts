import type { KubernetesObject, ListOf } from "../../api/kubernetes-object.ts";
import { apiPath, type ResourceType } from "../../api/resource-types.ts";
import { notFoundStatus } from "../../api/status.ts";
import type { ObjectKey, PatchOptions, RestClient, WatchEventOf, WriteOptions } from "../../client/rest-client.ts";

/** A patch of a subresource, as it was sent. */
export interface SentPatch {
  readonly path: string;
  readonly patch: Readonly<Record<string, unknown>>;
}

/** Objects in memory behind the client's contract, without watches. Patches replace whole top-level fields. */
export class InMemoryRestClient implements RestClient {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly patches: SentPatch[] = [];
  readonly deletions: string[] = [];

  put<T extends KubernetesObject>(type: ResourceType<T>, object: T): void {
    this.#objects.set(pathOf(type, object.metadata), object);
  }

  get<T extends KubernetesObject>(type: ResourceType<T>, target: ObjectKey): Promise<T> {
    const object = this.#objects.get(pathOf(type, target));
    return object === undefined ? Promise.reject(notFoundStatus(type, target.name)) : Promise.resolve(object as T);
  }

  list<T extends KubernetesObject>(type: ResourceType<T>): Promise<ListOf<T>> {
    const objects = [...this.#objects].filter(([path]) => path.includes(`/${type.plural}/`));
    return Promise.resolve({ metadata: {}, items: objects.map(([, object]) => object as T) });
  }

  watch<T extends KubernetesObject>(): AsyncIterable<WatchEventOf<T>> {
    throw new RangeError("this client has no watches");
  }

  create<T extends KubernetesObject>(type: ResourceType<T>, object: T): Promise<T> {
    this.put(type, object);
    return Promise.resolve(object);
  }

  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, _options?: WriteOptions): Promise<T> {
    return this.create(type, object);
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    target: ObjectKey,
    patch: object,
    _options: PatchOptions,
  ): Promise<T> {
    const object = await this.get(type, target);
    const sent = patch as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    this.patches.push({ path: pathOf(type, target), patch: sent });
    const before: unknown = object;
    const status = (before as { readonly status?: object }).status;
    const patched = { ...object, status: { ...status, ...sent["status"] } };
    this.put(type, patched);
    return patched;
  }

  async delete(type: ResourceType, target: ObjectKey): Promise<void> {
    await this.get(type, target);
    this.deletions.push(pathOf(type, target));
    this.#objects.delete(pathOf(type, target));
  }

  raw(): Promise<unknown> {
    throw new RangeError("this client has no other paths");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing to close.
  }
}

function pathOf(
  type: ResourceType<unknown>,
  key: { readonly namespace?: string | undefined; readonly name?: string | undefined } = {},
): string {
  return apiPath(type, { namespace: key.namespace, name: key.name });
}
