import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { StoredObject } from "./stored-object.ts";

/** One change of one object as the watch cache tells it. */
export interface CacheEvent<T extends KubernetesObject = KubernetesObject> {
  readonly revision: number;
  /** The object after the change; absent after its deletion. */
  readonly current?: StoredObject<T>;
  /** The object before the change; absent before its creation. */
  readonly previous?: StoredObject<T>;
}

/** The kinds of event that a client sees. */
export type WatchEventType = "ADDED" | "MODIFIED" | "DELETED";
