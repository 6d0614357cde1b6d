import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { KeyValue } from "../../storage/storage.ts";

/** An object as it is stored: never changed, encoded at most once, whoever reads it. */
export class StoredObject<T extends KubernetesObject = KubernetesObject> {
  readonly key: string;
  readonly revision: number;
  /** Shared by everybody: copy before changing anything. */
  readonly object: T;
  #encoded: Buffer | undefined;

  constructor(key: string, revision: number, object: T) {
    this.key = key;
    this.revision = revision;
    this.object = object;
  }

  /** The object as JSON text. */
  get encoded(): Buffer {
    this.#encoded ??= Buffer.from(JSON.stringify(this.object));
    return this.#encoded;
  }
}

/** Returns an object out of the store; its resource version is the revision of its last change. */
export function storedObjectOf<T extends KubernetesObject>({ key, value, modRevision }: KeyValue): StoredObject<T> {
  const object = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8")) as T;
  return new StoredObject(key, modRevision, atRevision(object, modRevision));
}

/** Returns the same object with another resource version. */
export function atRevision<T extends KubernetesObject>(object: T, revision: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}

/** Returns what is stored of an object: all but its resource version, which the store itself knows. */
export function encodeForStorage(object: KubernetesObject): Buffer {
  const { resourceVersion: _, ...metadata } = object.metadata ?? {};
  return Buffer.from(JSON.stringify({ ...object, metadata }));
}
