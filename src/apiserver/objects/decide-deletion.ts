import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { conflictStatus } from "../../api/status.ts";
import type { ResourceStrategy } from "../resources/resource-definition.ts";
import type { Mutation } from "../store/resource-store.ts";
import type { DeletionWish } from "./delete-options.ts";
import { metadataOf, timestamp } from "./object-metadata.ts";

/**
 * Returns what becomes of an object that a client wants deleted: it goes at once, or it stays, marked, until its grace period
 * was used or its finalizers are gone. A grace period already running can be made shorter, never longer. What ends gracefully
 * is marked even where its period is zero, so that who runs it learns that before it goes: then decide once more.
 */
export function decideDeletion(
  { type, strategy }: { readonly type: ResourceType; readonly strategy: ResourceStrategy },
  old: KubernetesObject,
  wish: DeletionWish,
): Mutation<KubernetesObject> {
  checkPreconditions(type, old, wish);
  const grace = graceOf(strategy, old, wish.gracePeriodSeconds);
  const running = runningGrace(old);
  if (running === undefined) {
    if (grace === undefined && !isHeld(strategy, old)) return { outcome: "remove" };
    const period = grace ?? 0;
    return {
      outcome: "write",
      object: markDeleted(strategy, old, { grace: period, deadline: Date.now() + period * 1000 }),
    };
  }
  if (running.grace === 0) return isHeld(strategy, old) ? { outcome: "keep" } : { outcome: "remove" };
  if (wish.gracePeriodSeconds === undefined && grace !== undefined) return { outcome: "keep" };
  const shortened = Math.min(grace ?? 0, running.grace);
  if (shortened === running.grace) return { outcome: "keep" };
  const deadline = running.deadline - (running.grace - shortened) * 1000;
  return { outcome: "write", object: markDeleted(strategy, old, { grace: shortened, deadline }) };
}

/** Says whether a marked object has nothing left to wait for. */
export function isDeletionDue(
  { strategy }: { readonly strategy: ResourceStrategy },
  object: KubernetesObject,
): boolean {
  return runningGrace(object)?.grace === 0 && !isHeld(strategy, object);
}

function isHeld(strategy: ResourceStrategy, object: KubernetesObject): boolean {
  return (object.metadata?.finalizers ?? []).length > 0 || strategy.isHeld?.(object) === true;
}

interface Grace {
  /** Seconds from the deletion to the deadline. */
  readonly grace: number;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
}

function graceOf(strategy: ResourceStrategy, old: KubernetesObject, requested: number | undefined): number | undefined {
  // A negative period is the shortest one there is.
  const wanted = requested !== undefined && requested < 0 ? 1 : requested;
  return strategy.gracePeriodSeconds?.(old, wanted);
}

function runningGrace({ metadata = {} }: KubernetesObject): Grace | undefined {
  if (metadata.deletionTimestamp === undefined) return undefined;
  return { grace: metadata.deletionGracePeriodSeconds ?? 0, deadline: Date.parse(metadata.deletionTimestamp) };
}

function markDeleted(strategy: ResourceStrategy, old: KubernetesObject, { grace, deadline }: Grace): KubernetesObject {
  const object = structuredClone(old);
  const metadata = metadataOf(object);
  metadata.deletionTimestamp = timestamp(new Date(deadline));
  metadata.deletionGracePeriodSeconds = grace;
  if (metadata.generation !== undefined) metadata.generation++;
  strategy.markDeleted?.(object);
  return object;
}

function checkPreconditions(type: ResourceType, old: KubernetesObject, { preconditions }: DeletionWish): void {
  const { uid, resourceVersion, name = "" } = old.metadata ?? {};
  if (preconditions.uid !== undefined && preconditions.uid !== uid) {
    const reason = `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`;
    throw conflictStatus(type, name, reason);
  }
  if (preconditions.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const reason = `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`;
    throw conflictStatus(type, name, reason);
  }
}
