import type { Pod } from "../../api/core-v1.gen.ts";

const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/** Says whether a pod only shows what a node runs from a file of its own. */
export function isMirrorPod({ metadata }: Pod): boolean {
  return metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined;
}
