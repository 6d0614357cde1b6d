import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { StoredObject } from "../store/stored-object.ts";

/** Another group and version in which the objects of a kind are served; stored, they have the kind's own form. */
export interface ServedVersion<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType;
  /** The kind's own names of the fields to select by, by their names in this version. */
  readonly fieldLabels: ReadonlyMap<string, string>;
  /** Returns an object in this version. */
  fromStored(object: T): KubernetesObject;
  /** Returns an object of this version in the kind's own form. */
  toStored(object: KubernetesObject): T;
}

/** Returns what a client of `version` sees of a stored object; the same for everybody, so it is encoded once. */
export function shownIn(version: ServedVersion | undefined, stored: StoredObject): StoredObject {
  if (version === undefined) return stored;
  let shown = converted.get(stored)?.get(version);
  if (shown === undefined) {
    shown = new StoredObject(stored.key, stored.revision, version.fromStored(stored.object));
    const byVersion = converted.get(stored) ?? new Map<ServedVersion, StoredObject>();
    converted.set(stored, byVersion.set(version, shown));
  }
  return shown;
}

const converted = new WeakMap<StoredObject, Map<ServedVersion, StoredObject>>();
