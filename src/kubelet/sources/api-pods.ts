import type { Pod } from "../../api/core-v1.gen.ts";
import { PODS } from "../../api/resource-types.ts";
import type { Logger } from "../../base/log.ts";
import { createInformer, type Informer } from "../../client/informer.ts";
import type { RestClient } from "../../client/rest-client.ts";

/** Returns the informer of the pods that are bound to a node. */
export function createNodePodInformer(client: RestClient, nodeName: string, logger: Logger): Informer<Pod> {
  return createInformer(client, PODS, { fieldSelector: `spec.nodeName=${nodeName}`, logger });
}
