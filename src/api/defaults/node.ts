import type { Node } from "../core-v1.gen.ts";

/** Fills in what a node can allocate: all it has. */
export function defaultNode(node: Node): void {
  if (node.status?.capacity !== undefined) node.status.allocatable ??= { ...node.status.capacity };
}
