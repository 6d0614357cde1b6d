import { createHash } from "node:crypto";

import { type Digest, digestOfHash } from "./digest.ts";

/** Returns the ChainID of each layer, lowest first: image-spec's name for a layer applied on top of those below it. */
export function chainIdsOf(diffIds: readonly Digest[]): Digest[] {
  const chainIds: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chainIds.at(-1);
    chainIds.push(parent === undefined ? diffId : chainIdOf(parent, diffId));
  }
  return chainIds;
}

/** Returns the ChainID of a layer on top of `parent`. */
function chainIdOf(parent: Digest, diffId: Digest): Digest {
  return digestOfHash("sha256", createHash("sha256").update(`${parent} ${diffId}`));
}
