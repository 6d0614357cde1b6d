import type { Node, Taint } from "../../api/core-v1.gen.ts";
import { readyCondition } from "./node-conditions.ts";

/**
 * Returns all taints a node should have: its own, and of those that its conditions mean exactly the right ones. Undefined where it has
 * them. A taint that stays keeps the time it was added at.
 */
export function correctedTaints(node: Node, now: string): readonly Taint[] | undefined {
  const present = node.spec?.taints ?? [];
  const wanted = impliedTaints(node);
  const own = present.filter((taint) => !isImplied(taint));
  const kept = present.filter((taint) => isImplied(taint) && wanted.some((other) => isSame(taint, other)));
  const missing = wanted.filter((taint) => !present.some((other) => isSame(taint, other)));
  if (missing.length === 0 && own.length + kept.length === present.length) return undefined;
  return [...own, ...kept, ...missing.map((taint) => ({ ...taint, timeAdded: now }))];
}

const PRESSURES: Readonly<Record<string, string>> = {
  MemoryPressure: "node.kubernetes.io/memory-pressure",
  DiskPressure: "node.kubernetes.io/disk-pressure",
  PIDPressure: "node.kubernetes.io/pid-pressure",
  NetworkUnavailable: "node.kubernetes.io/network-unavailable",
};
const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

const IMPLIED: ReadonlySet<string> = new Set([...Object.values(PRESSURES), NOT_READY, UNREACHABLE, UNSCHEDULABLE]);

function isImplied(taint: Taint): boolean {
  return IMPLIED.has(taint.key) && (taint.effect === "NoSchedule" || taint.effect === "NoExecute");
}

function impliedTaints(node: Node): readonly Taint[] {
  const ready = readyCondition(node)?.status;
  const pressures = (node.status?.conditions ?? []).flatMap(({ type, status }) => {
    const key = status === "True" ? PRESSURES[type] : undefined;
    return key === undefined ? [] : [{ key, effect: "NoSchedule" }];
  });
  return [
    ...(ready === "True" ? [] : unavailable(ready === "Unknown" ? UNREACHABLE : NOT_READY)),
    ...pressures,
    ...(node.spec?.unschedulable === true ? [{ key: UNSCHEDULABLE, effect: "NoSchedule" }] : []),
  ];
}

function unavailable(key: string): readonly Taint[] {
  return [
    { key, effect: "NoSchedule" },
    { key, effect: "NoExecute" },
  ];
}

function isSame(a: Taint, b: Taint): boolean {
  return a.key === b.key && a.effect === b.effect;
}
