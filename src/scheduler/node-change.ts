import { isDeepStrictEqual } from "node:util";
import type { Node } from "../api/core-v1.gen.ts";
import { effectiveTaints } from "./tolerations.ts";

/** Whether a change of a node may make it take pods that it did not take; heartbeats do not. */
export function mayGiveRoom(old: Node, node: Node): boolean {
  return !isDeepStrictEqual(decisive(old), decisive(node));
}

function decisive(node: Node): readonly unknown[] {
  const taints = effectiveTaints(node).map(({ key, value, effect }) => [key, value, effect]);
  return [node.metadata?.labels, node.spec?.unschedulable, node.status?.allocatable, taints];
}
