/** An element of a list in a patch. */
export type Value = unknown;
export type List = readonly Value[];

/**
 * Sorts a merged list: elements that `order` names stand in its order; the others keep the order of `before` among
 * themselves, and stand in front of a named element where `before` had them so.
 */
export function enforceOrder(merged: List, order: List, before: List, mergeKey: string | undefined): List {
  const orderIndex = indexOf(order, mergeKey);
  const beforeIndex = indexOf(before, mergeKey);
  const named = sortedBy(
    merged.filter((element) => orderIndex.has(identityOf(element, mergeKey))),
    orderIndex,
    mergeKey,
  );
  const others = sortedBy(
    merged.filter((element) => !orderIndex.has(identityOf(element, mergeKey))),
    beforeIndex,
    mergeKey,
  );
  return interleave(others, named, (element) => beforeIndex.get(identityOf(element, mergeKey)));
}

/** Returns what tells an element of a list apart: its merge key's value as text, or the value itself with its type. */
export function identityOf(element: Value, mergeKey: string | undefined): string {
  if (mergeKey === undefined) return JSON.stringify(element) ?? "";
  const key: unknown = typeof element === "object" && element !== null ? Reflect.get(element, mergeKey) : undefined;
  return typeof key === "string" ? key : (JSON.stringify(key) ?? "");
}

type Positions = ReadonlyMap<string, number>;

function indexOf(list: List, mergeKey: string | undefined): Positions {
  const positions = new Map<string, number>();
  for (const [index, element] of list.entries()) {
    const identity = identityOf(element, mergeKey);
    if (!positions.has(identity)) positions.set(identity, index);
  }
  return positions;
}

function sortedBy(list: List, positions: Positions, mergeKey: string | undefined): List {
  const position = (element: Value): number => positions.get(identityOf(element, mergeKey)) ?? -1;
  return list.toSorted((a, b) => position(a) - position(b));
}

function interleave(others: List, named: List, position: (element: Value) => number | undefined): List {
  const result: Value[] = [];
  let other = 0;
  for (const element of named) {
    const limit = position(element);
    for (; other < others.length; other++) {
      const candidate = position(others[other]);
      if (candidate === undefined || limit === undefined || candidate >= limit) break;
      result.push(others[other]);
    }
    result.push(element);
  }
  return [...result, ...others.slice(other)];
}
