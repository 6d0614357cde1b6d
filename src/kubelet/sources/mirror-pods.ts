import type { Node, Pod } from "../../api/core-v1.gen.ts";
import { PODS } from "../../api/resource-types.ts";
import { messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import { isAlreadyExists, isNotFound } from "../../client/status-answer.ts";
import type { RestClient } from "../../client/rest-client.ts";
import { HASH_ANNOTATION, MIRROR_ANNOTATION } from "../node-pod.ts";

export interface MirrorPodsOptions {
  readonly client: RestClient;
  /** The node's object, which owns the mirrors; undefined until it is registered. */
  readonly node: () => Node | undefined;
  readonly logger: Logger;
}

/** Makes and removes the API objects that show static pods. */
export interface MirrorPods {
  /**
   * Makes the mirror of a static pod, unless `present` is it already; one of another version is removed first. One that somebody has
   * deleted is removed and made anew by a later call.
   */
  ensure(staticPod: Pod, present: Pod | undefined): Promise<void>;
  remove(mirror: Pod): Promise<void>;
}

/** Returns what keeps mirror pods; failures are logged and thrown to nobody, since the next look tries again. */
export function createMirrorPods(options: MirrorPodsOptions): MirrorPods {
  return {
    ensure: (staticPod, present) => logged(options.logger, staticPod, () => ensure(options, staticPod, present)),
    remove: (mirror) => logged(options.logger, mirror, () => remove(options.client, mirror)),
  };
}

async function ensure({ client, node }: MirrorPodsOptions, staticPod: Pod, present: Pod | undefined): Promise<void> {
  const hash = staticPod.metadata?.annotations?.[HASH_ANNOTATION] ?? "";
  if (present !== undefined) {
    const isCurrent = present.metadata?.annotations?.[MIRROR_ANNOTATION] === hash;
    const isDeleted = present.metadata?.deletionTimestamp !== undefined;
    if (isCurrent && !isDeleted) return;
    await remove(client, present);
    // Who deleted it watches for its end, and would miss it where the next mirror comes at once.
    if (isCurrent) return;
  }
  const { uid: nodeUid, name: nodeName } = node()?.metadata ?? {};
  if (nodeUid === undefined || nodeName === undefined) return;
  const { name, namespace, labels, annotations } = staticPod.metadata ?? {};
  await client
    .create(PODS, {
      ...staticPod,
      metadata: {
        name,
        namespace,
        labels,
        annotations: { ...annotations, [MIRROR_ANNOTATION]: hash },
        ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeUid, controller: true }],
      },
    })
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
}

async function remove(client: RestClient, { metadata }: Pod): Promise<void> {
  const { name = "", namespace, uid } = metadata ?? {};
  const options = { gracePeriodSeconds: 0, ...(uid === undefined ? {} : { preconditions: { uid } }) };
  await client.delete(PODS, { namespace, name }, { options }).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

async function logged(logger: Logger, { metadata }: Pod, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const fields = { pod: metadata?.name, namespace: metadata?.namespace, error: messageOf(error) };
    logger.warn(fields, "mirror pod not brought up to date");
  }
}
