import { type FieldRequirement, matchesFields, type SelectableFields } from "../../api/field-selector.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { type LabelRequirement, matchesLabels } from "../../api/label-selector.ts";
import type { CacheEvent, WatchEventType } from "./cache-event.ts";
import type { StoredObject } from "./stored-object.ts";

/** Which objects a list or watch is about. */
export interface Predicate {
  /** Keys begin with it: the resource's, or one namespace's of it. */
  readonly keyPrefix: string;
  readonly labels: readonly LabelRequirement[];
  readonly fields: readonly FieldRequirement[];
  /** The fields that `fields` may name. */
  selectableFields(object: KubernetesObject): SelectableFields;
}

/** Says whether an object is among those a predicate is about. */
export function matches(predicate: Predicate, { key, object }: StoredObject): boolean {
  if (!key.startsWith(predicate.keyPrefix)) return false;
  if (predicate.labels.length > 0 && !matchesLabels(predicate.labels, object.metadata?.labels)) return false;
  return predicate.fields.length === 0 || matchesFields(predicate.fields, predicate.selectableFields(object));
}

/** Says whether a predicate takes every object below its prefix. */
export function takesAll(predicate: Predicate): boolean {
  return predicate.labels.length === 0 && predicate.fields.length === 0;
}

/** What a watch with a predicate sees of a change. */
export interface SeenEvent {
  readonly type: WatchEventType;
  readonly stored: StoredObject;
}

/**
 * Returns what a watch sees of a change; undefined where nothing. An object that begins to match is added, one that ceases to
 * is deleted, whatever happened to it in the store.
 */
export function seenEvent(predicate: Predicate, { current, previous }: CacheEvent): SeenEvent | undefined {
  const isIn = current !== undefined && matches(predicate, current);
  const wasIn = previous !== undefined && matches(predicate, previous);
  if (isIn) return { type: wasIn ? "MODIFIED" : "ADDED", stored: current };
  if (!wasIn) return undefined;
  return { type: "DELETED", stored: current === undefined ? previous : current };
}
