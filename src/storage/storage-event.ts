import type { StorageEvent } from "./storage.ts";

/** Returns the revision of a change. */
export function revisionOf(event: StorageEvent): number {
  return event.type === "put" ? event.kv.modRevision : event.modRevision;
}

/** Returns the key that changed. */
export function keyOf(event: StorageEvent): string {
  return event.type === "put" ? event.kv.key : event.key;
}

/** Returns a change without the value before it. */
export function withoutPrevious(event: StorageEvent): StorageEvent {
  if (event.previous === undefined) return event;
  return event.type === "put"
    ? { type: "put", kv: event.kv }
    : { type: "delete", key: event.key, modRevision: event.modRevision };
}
