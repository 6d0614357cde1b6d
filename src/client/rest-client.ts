import type { KubernetesObject, ListOf } from "../api/kubernetes-object.ts";
import type { DeleteOptions } from "../api/meta-v1.gen.ts";
import type { ResourceType } from "../api/resource-types.ts";

/** Typed access to a Kubernetes API server. Failures answered by the server are thrown as `StatusError`. */
export interface RestClient extends AsyncDisposable {
  get<T extends KubernetesObject>(type: ResourceType<T>, target: ObjectKey, options?: CallOptions): Promise<T>;
  list<T extends KubernetesObject>(type: ResourceType<T>, options?: ListOptions): Promise<ListOf<T>>;
  /** One watch request, until the server ends it or `signal` aborts. `Informer` is what most callers want. */
  watch<T extends KubernetesObject>(type: ResourceType<T>, options: WatchOptions): AsyncIterable<WatchEventOf<T>>;
  create<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces the object, or one subresource of it such as `status`. */
  update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    target: ObjectKey,
    patch: object,
    options: PatchOptions,
  ): Promise<T>;
  delete(type: ResourceType<KubernetesObject>, target: ObjectKey, options?: DeleteCallOptions): Promise<void>;
  /** Any other path, e.g. `/version`; the body is parsed as JSON. */
  raw(method: string, path: string, body?: unknown, options?: CallOptions): Promise<unknown>;
}

export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
}

export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export interface WriteOptions extends CallOptions {
  /** Where the object's own metadata does not say. */
  readonly namespace?: string;
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** For subresources that hang on another object, e.g. `binding`. */
  readonly name?: string;
}

export type PatchKind = "json" | "merge" | "strategic";

export interface PatchOptions extends WriteOptions {
  readonly kind: PatchKind;
}

export interface DeleteCallOptions extends CallOptions {
  readonly options?: DeleteOptions;
}

export type WatchEventOf<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };
