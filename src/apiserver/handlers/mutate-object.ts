import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { Mutated, Mutation } from "../store/resource-store.ts";
import { StoredObject } from "../store/stored-object.ts";
import type { ObjectCall } from "./resource-call.ts";

/** Does to the object of a call what `decide` says; with `dryRun` only says what it would be. */
export async function mutateObject(
  { store, target }: ObjectCall,
  decide: (old: KubernetesObject) => Promise<Mutation<KubernetesObject>>,
  dryRun: boolean,
): Promise<Mutated> {
  if (!dryRun) return await store.mutate(target, async ({ object }) => await decide(object));
  const stored = await store.get(target);
  const mutation = await decide(stored.object);
  const object = mutation.outcome === "keep" ? stored.object : (mutation.object ?? stored.object);
  return { stored: new StoredObject(stored.key, stored.revision, object), isGone: mutation.outcome === "remove" };
}
