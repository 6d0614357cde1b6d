import { type FieldSchema, type TypeRef, typeSchema } from "./schema/type-schema.ts";
import { badRequestStatus } from "./status.ts";
import { enforceOrder, identityOf, type List, type Value } from "./strategic-list-order.ts";

/**
 * Returns `target` changed by a strategic merge patch, whose lists merge by the schema's merge keys; neither argument
 * changes. Throws `StatusError` with code `BadRequest` for a patch that cannot be understood.
 */
export function applyStrategicMergePatch(target: unknown, patch: unknown, type: TypeRef): unknown {
  if (!isObject(target) || !isObject(patch)) throw badRequestStatus("a strategic merge patch is an object");
  return mergeObject(structuredClone(target), structuredClone(patch), type);
}

const DIRECTIVE = "$patch";
const RETAIN_KEYS = "$retainKeys";
const ELEMENT_ORDER = "$setElementOrder/";
const DELETE_PRIMITIVES = "$deleteFromPrimitiveList/";

type JsonObject = Record<string, unknown>;

/** How a list or object field merges. */
interface PatchMeta {
  readonly type: TypeRef | undefined;
  readonly strategy: "merge" | "replace" | undefined;
  readonly mergeKey: string | undefined;
}

function mergeObject(original: JsonObject, patch: JsonObject, type: TypeRef | undefined): JsonObject {
  if (Object.hasOwn(patch, DIRECTIVE)) return directedObject(patch);
  retainKeys(original, patch);
  mergeOrderedLists(original, patch, type);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_PRIMITIVES)) deletePrimitives(original, key.slice(DELETE_PRIMITIVES.length), value);
    else if (value === null) delete original[key];
    else mergeKeyOf(original, key, value, type);
  }
  return original;
}

function mergeKeyOf(original: JsonObject, key: string, value: unknown, type: TypeRef | undefined): void {
  const before = ownValue(original, key);
  if (isDirected(value) && !isObject(before)) delete original[key];
  else setKey(original, key, mergeValue(before, value, patchMeta(type, key)));
}

function mergeValue(original: unknown, patch: unknown, meta: PatchMeta): unknown {
  if (isObject(original) && isObject(patch)) {
    return meta.strategy === "replace" ? patch : mergeObject(original, patch, meta.type);
  }
  if (Array.isArray(original) && Array.isArray(patch)) {
    return meta.strategy === "merge" ? mergeList(original, patch, meta) : patch;
  }
  return withoutDirectives(patch);
}

function directedObject(patch: JsonObject): JsonObject {
  switch (patch[DIRECTIVE]) {
    case "replace":
      delete patch[DIRECTIVE];
      return patch;
    case "delete":
      return {};
    default:
      throw badRequestStatus(`unknown patch type: ${JSON.stringify(patch[DIRECTIVE])} in map`);
  }
}

/** `$retainKeys` names every key that stays: the others are deleted. */
function retainKeys(original: JsonObject, patch: JsonObject): void {
  if (!Object.hasOwn(patch, RETAIN_KEYS)) return;
  const retained = patch[RETAIN_KEYS];
  delete patch[RETAIN_KEYS];
  if (!Array.isArray(retained)) throw badRequestStatus("invalid patch format of retainKeys");
  const keys = new Set<unknown>(retained);
  if (Object.keys(patch).some((key) => !key.startsWith("$") && !keys.has(key))) {
    throw badRequestStatus("the patch has keys that its retainKeys list has not");
  }
  for (const key of Object.keys(original)) if (!keys.has(key)) delete original[key];
}

/** Lists that come with their order are merged first, then sorted, and are done. */
function mergeOrderedLists(original: JsonObject, patch: JsonObject, type: TypeRef | undefined): void {
  for (const [directive, order] of Object.entries(patch).filter(([key]) => key.startsWith(ELEMENT_ORDER))) {
    delete patch[directive];
    const key = directive.slice(ELEMENT_ORDER.length);
    const before = ownValue(original, key);
    const change = ownValue(patch, key);
    if (!Array.isArray(order)) throw badRequestStatus(`${directive} is no list`);
    if (before === undefined && change === undefined) continue;
    const meta = patchMeta(type, key);
    const merged = orderedListContent(before, change, meta);
    checkOrder(change, order, meta.mergeKey);
    delete patch[key];
    setKey(original, key, enforceOrder(merged, order, asList(before), meta.mergeKey));
  }
}

function orderedListContent(before: unknown, change: unknown, meta: PatchMeta): List {
  if (change === null || change === undefined) return change === null ? [] : asList(before);
  if (before === undefined) return asList(withoutDirectives(change));
  return asList(mergeValue(asList(before), asList(change), meta));
}

/** The order lists every element of the patch, in the patch's own order. */
function checkOrder(change: unknown, order: List, mergeKey: string | undefined): void {
  if (!Array.isArray(change)) return;
  const positions = new Map(order.map((element, index) => [identityOf(element, mergeKey), index]));
  const wanted = change
    .filter((element: Value) => !isObject(element) || element[DIRECTIVE] === undefined)
    .map((element: Value) => positions.get(identityOf(element, mergeKey)) ?? -1);
  if (wanted.some((position, index) => position < 0 || position < (wanted[index - 1] ?? 0))) {
    throw badRequestStatus("The order in patch list doesn't match the setElementOrder list");
  }
}

function deletePrimitives(original: JsonObject, key: string, values: unknown): void {
  const before = ownValue(original, key);
  if (!Array.isArray(before)) return;
  const deleted = new Set<unknown>(asList(values));
  setKey(
    original,
    key,
    before.filter((value) => !deleted.has(value)),
  );
}

function mergeList(original: List, patch: List, meta: PatchMeta): List {
  if (original.length === 0 && patch.length === 0) return original;
  const { mergeKey } = meta;
  if (![...original, ...patch].some(isObject)) {
    return enforceOrder([...new Set([...original, ...patch])], patch, original, undefined);
  }
  if (mergeKey === undefined) throw badRequestStatus("cannot merge lists without merge key");
  const changes = patch.filter((element) => directiveOf(element) === undefined);
  if (patch.some((element) => directiveOf(element) === "replace")) return changes;
  const deleted = new Set(
    patch.filter((element) => directiveOf(element) === "delete").map((element) => keyOf(element, mergeKey)),
  );
  const kept = original.filter((element) => !deleted.has(identityOf(element, mergeKey)));
  return enforceOrder(mergeElements(kept, changes, mergeKey, meta.type), changes, kept, mergeKey);
}

function mergeElements(original: List, patch: List, mergeKey: string, type: TypeRef | undefined): List {
  const merged = new Map(original.map((element) => [identityOf(element, mergeKey), element]));
  for (const element of patch) {
    const key = keyOf(element, mergeKey);
    const before = merged.get(key);
    merged.set(key, isObject(before) && isObject(element) ? mergeObject(before, element, type) : element);
  }
  return [...merged.values()];
}

function directiveOf(element: Value): unknown {
  if (!isObject(element)) return undefined;
  const directive = element[DIRECTIVE];
  if (directive === undefined || directive === "delete" || directive === "replace") return directive;
  throw badRequestStatus(`unknown patch type: ${JSON.stringify(directive)} in list`);
}

function keyOf(element: Value, mergeKey: string): string {
  if (!isObject(element) || element[mergeKey] === undefined) {
    throw badRequestStatus(`map: does not contain declared merge key: ${mergeKey}`);
  }
  return identityOf(element, mergeKey);
}

/** What is new has nothing to merge with: directives and nulls in it go, and an object with `$patch` goes as a whole. */
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((element) => !isDirected(element)).map(withoutDirectives);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(
    ([key, inner]) => !isDirective(key) && inner !== null && !isDirected(inner),
  );
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutDirectives(inner)]));
}

function isDirected(value: unknown): boolean {
  return isObject(value) && Object.hasOwn(value, DIRECTIVE);
}

function isDirective(key: string): boolean {
  return key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ELEMENT_ORDER) || key.startsWith(DELETE_PRIMITIVES);
}

function patchMeta(type: TypeRef | undefined, key: string): PatchMeta {
  const fields = type === undefined ? undefined : typeSchema(type)?.fields;
  const field: FieldSchema | undefined = fields !== undefined && Object.hasOwn(fields, key) ? fields[key] : undefined;
  const strategies = field?.patchStrategy?.split(",") ?? [];
  return {
    // The values of a map are not fields of its type.
    type: field?.container === "map" ? undefined : field?.ref,
    strategy: strategies.includes("replace") ? "replace" : strategies.includes("merge") ? "merge" : undefined,
    mergeKey: field?.patchMergeKey,
  };
}

function ownValue(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function setKey(object: JsonObject, key: string, value: unknown): void {
  // An assignment to the key `__proto__` would set the prototype.
  Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

function asList(value: unknown): List {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value as List;
  throw badRequestStatus("a list directive applies to something that is no list");
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
