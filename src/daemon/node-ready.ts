import { setTimeout as delay } from "node:timers/promises";

import type { Node } from "../api/core-v1.gen.ts";
import { NODES } from "../api/resource-types.ts";
import type { RestClient } from "../client/rest-client.ts";

export interface NodeReadyOptions {
  readonly client: RestClient;
  readonly name: string;
  readonly signal: AbortSignal;
  /** Gets why the node is not ready, whenever that changes. */
  readonly onWaiting: (why: string) => void;
}

/** Resolves when the API says that the node is ready. Rejects only when `signal` aborts. */
export async function nodeReady({ client, name, signal, onWaiting }: NodeReadyOptions): Promise<void> {
  let told = "";
  for (;;) {
    signal.throwIfAborted();
    try {
      const options = { fieldSelector: `metadata.name=${name}`, signal };
      for await (const event of client.watch(NODES, options)) {
        if (event.type === "BOOKMARK") continue;
        const why = notReadyReason(event.object);
        if (why === undefined) return;
        if (why !== told) onWaiting(why);
        told = why;
      }
    } catch {
      // The API may be away for a moment; the kubelet goes on by itself.
    }
    await delay(RETRY_MS, undefined, { signal });
  }
}

const RETRY_MS = 50;

function notReadyReason(node: Node): string | undefined {
  const ready = node.status?.conditions?.find((condition) => condition.type === "Ready");
  if (ready?.status === "True") return undefined;
  return ready?.message ?? "the node has not reported yet";
}
