import type { KubernetesObject, ListOf } from "../api/kubernetes-object.ts";
import type { DeleteOptions } from "../api/meta-v1.gen.ts";
import type { ResourceType } from "../api/resource-types.ts";

/**
 * Typed access to a Kubernetes API server. Failures answered by the server are thrown as `StatusError`; a server that cannot be
 * reached or does not speak the protocol as `ClientError`.
 */
export interface RestClient extends AsyncDisposable {
  get<T extends KubernetesObject>(type: ResourceType<T>, target: ObjectKey, options?: CallOptions): Promise<T>;
  list<T extends KubernetesObject>(type: ResourceType<T>, options?: ListOptions): Promise<ListOf<T>>;
  /**
   * One watch request, until the server ends it or `signal` aborts; both end the iteration without an error. An error event is
   * thrown as `StatusError` (`Expired` where the resource version is gone). `Informer` is what most callers want.
   */
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
  delete(type: ResourceType, target: ObjectKey, options?: DeleteCallOptions): Promise<void>;
  /** Any other path, e.g. `/version`; a JSON body is parsed, any other returned as text. */
  raw(method: string, path: string, body?: unknown, options?: CallOptions): Promise<unknown>;
}

/** Where an object lives within its resource. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** What every call takes. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** How long the server may take to answer; 60 seconds by default. Does not bound a watch. */
  readonly timeoutMs?: number;
}

/** Which objects to list, and how fresh. */
export interface ListOptions extends CallOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
  readonly limit?: number;
  readonly continue?: string;
}

/** Which objects to watch, and from where. */
export interface WatchOptions extends ListOptions {
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  /** Starts with the present objects, then a bookmark with `initialEventsEnd` (WatchList). Needs `resourceVersionMatch`. */
  readonly sendInitialEvents?: boolean;
}

/** How to write an object. */
export interface WriteOptions extends CallOptions {
  /** Where the object's own metadata does not say. */
  readonly namespace?: string;
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  /** For subresources that hang on another object, e.g. `binding`. */
  readonly name?: string;
}

/** The patch format: RFC 6902, RFC 7386, or Kubernetes' strategic merge. */
export type PatchKind = "json" | "merge" | "strategic";

/** How to patch an object. */
export interface PatchOptions extends WriteOptions {
  readonly kind: PatchKind;
}

/** How to delete an object. */
export interface DeleteCallOptions extends CallOptions {
  readonly options?: DeleteOptions;
}

/** One event of a watch. A bookmark says that everything up to its resource version has been sent. */
export type WatchEventOf<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };
