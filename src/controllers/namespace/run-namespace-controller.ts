import { isDeepStrictEqual } from "node:util";
import type { Namespace } from "../../api/core-v1.gen.ts";
import { NAMESPACES, PODS } from "../../api/resource-types.ts";
import { messageOf } from "../../base/coded-error.ts";
import { timestamp } from "../../client/timestamp.ts";
import { ignoringStaleness } from "../../client/ignoring-staleness.ts";
import { type ControllerContext, controllerQueue, runQueue } from "../controller.ts";
import { type RemainingContent, deleteContent } from "./delete-content.ts";
import { namespaceConditions } from "./namespace-conditions.ts";

/** The finalizer that keeps a namespace until its content is gone. */
const FINALIZER = "kubernetes";
const LOOK_AGAIN_MS = 1_000;

/** Empties namespaces that are being deleted, waits for their pods' grace, and then lets them go. */
export async function runNamespaceController(context: ControllerContext): Promise<void> {
  const { client, informers, signal } = context;
  const namespaces = informers.informer(NAMESPACES);
  const pods = informers.informer(PODS);
  const queue = controllerQueue(context, "namespace");
  const addTerminating = (namespace: Namespace | undefined): void => {
    if (namespace !== undefined && isTerminating(namespace)) queue.add(namespace.metadata?.name ?? "");
  };
  namespaces.subscribe({
    onAdd: addTerminating,
    onUpdate: (_old, namespace) => {
      addTerminating(namespace);
    },
  });
  pods.subscribe({
    onDelete: (pod) => {
      addTerminating(namespaces.lister.get({ name: pod.metadata?.namespace ?? "" }));
    },
  });
  const work = async (name: string): Promise<void> => {
    const namespace = namespaces.lister.get({ name });
    if (namespace === undefined || !isTerminating(namespace)) return;
    const remaining = await emptied(context, namespace);
    if (remaining.resources.size > 0 || remaining.errors.length > 0) {
      queue.addAfter(name, LOOK_AGAIN_MS);
      return;
    }
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== FINALIZER);
    const { resourceVersion: _any, ...metadata } = namespace.metadata ?? {};
    const finalized = { ...namespace, metadata, spec: { ...namespace.spec, finalizers } };
    await ignoringStaleness(client.update(NAMESPACES, finalized, { subresource: "finalize", signal }));
  };
  await runQueue(context, queue, { synced: [namespaces.synced, pods.synced], work });
}

function isTerminating(namespace: Namespace): boolean {
  const isKept = namespace.spec?.finalizers?.includes(FINALIZER) === true;
  return namespace.metadata?.deletionTimestamp !== undefined && isKept;
}

/** Deletes what there is and writes down how it went where something is left. */
async function emptied(context: ControllerContext, namespace: Namespace): Promise<RemainingContent> {
  try {
    const remaining = await deleteContent(context.client, namespace.metadata?.name ?? "", context.signal);
    if (remaining.resources.size > 0 || remaining.errors.length > 0) await tell(context, namespace, { remaining });
    return remaining;
  } catch (error) {
    await tell(context, namespace, { discoveryError: messageOf(error) });
    throw error;
  }
}

async function tell(
  context: ControllerContext,
  namespace: Namespace,
  found: Parameters<typeof namespaceConditions>[0],
): Promise<void> {
  const before = namespace.status?.conditions ?? [];
  const conditions = namespaceConditions(found, before, timestamp(context.clock.now()));
  if (isDeepStrictEqual(before, conditions)) return;
  const name = namespace.metadata?.name ?? "";
  const patch = { metadata: { uid: namespace.metadata?.uid }, status: { conditions } };
  const options = { kind: "merge", subresource: "status", signal: context.signal } as const;
  await ignoringStaleness(context.client.patch(NAMESPACES, { name }, patch, options));
}
