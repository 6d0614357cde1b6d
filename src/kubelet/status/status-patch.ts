import { isDeepStrictEqual } from "node:util";

import type { PodStatus } from "../../api/core-v1.gen.ts";

/**
 * Returns the strategic merge patch of `status` that turns `from` into `to`, or undefined where they are the same. Conditions are merged
 * by type, so that those of other writers stay.
 */
export function statusPatch(from: PodStatus, to: PodStatus): Readonly<Record<string, unknown>> | undefined {
  const before = plain(from);
  const after = plain(to);
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...fields].filter((field) => !isDeepStrictEqual(before[field], after[field]));
  if (changed.length === 0) return undefined;
  return Object.fromEntries(changed.map((field) => [field, patchOf(field, before[field], after[field])]));
}

type Plain = Readonly<Record<string, unknown>>;

/** Without keys that are undefined: the API does not have them. */
function plain(status: PodStatus): Plain {
  return JSON.parse(JSON.stringify(status)) as Plain;
}

/** Lists of addresses are merged by address unless told to be replaced. */
const MERGED_LISTS: ReadonlySet<string> = new Set(["podIPs", "hostIPs"]);

function patchOf(field: string, before: unknown, after: unknown): unknown {
  if (after === undefined) return null;
  if (field === "conditions") return conditionsPatch((before ?? []) as Condition[], after as Condition[]);
  const isReplaced = MERGED_LISTS.has(field) && Array.isArray(before) && before.length > 0 && Array.isArray(after);
  return isReplaced ? [...(after as unknown[]), { $patch: "replace" }] : after;
}

type Condition = Readonly<Record<string, unknown>>;

/** A condition is merged field by field with the one of its type: what it no longer says must be removed by name. */
function conditionsPatch(before: readonly Condition[], after: readonly Condition[]): readonly Condition[] {
  return after.map((condition) => {
    const known = before.find((candidate) => candidate["type"] === condition["type"]) ?? {};
    const gone = Object.keys(known).filter((key) => !(key in condition));
    return { ...condition, ...Object.fromEntries(gone.map((key) => [key, null])) };
  });
}
