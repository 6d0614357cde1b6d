import type { KubernetesObject, ListOf } from "../../api/kubernetes-object.ts";
import { apiPath } from "../../api/resource-types.ts";
import { ignoringStaleness } from "../../client/ignoring-staleness.ts";
import type { RestClient } from "../../client/rest-client.ts";
import { type NamespacedResource, discoverNamespacedResources } from "./namespaced-resources.ts";

/** What is left of a namespace's content after a try to delete it. */
export interface RemainingContent {
  /** Objects by resource, as in `pods.` and `leases.coordination.k8s.io`. */
  readonly resources: ReadonlyMap<string, number>;
  readonly finalizers: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

/**
 * Asks for the deletion of all objects in a namespace and returns what is left. Pods go first: while one runs, what protects it, such
 * as a network policy, must stay (KEP-5080).
 */
export async function deleteContent(
  client: RestClient,
  namespace: string,
  signal: AbortSignal,
): Promise<RemainingContent> {
  const resources = await discoverNamespacedResources(client, signal);
  const isPods = ({ group, plural }: NamespacedResource): boolean => group === "" && plural === "pods";
  const afterPods = await deleteAll(resources.filter(isPods));
  if (afterPods.resources.size > 0) return afterPods;
  return await deleteAll(resources.filter((resource) => !isPods(resource)));

  async function deleteAll(some: readonly NamespacedResource[]): Promise<RemainingContent> {
    const results = await Promise.allSettled(some.map((each) => deleteResource(client, each, namespace, signal)));
    const remaining = { resources: new Map<string, number>(), finalizers: new Map<string, number>() };
    const errors: string[] = [];
    for (const [i, result] of results.entries()) {
      const resource = some[i];
      if (result.status === "rejected") errors.push(String(result.reason));
      else if (resource !== undefined) count(remaining, resource, result.value);
    }
    return { ...remaining, errors };
  }
}

async function deleteResource(
  client: RestClient,
  resource: NamespacedResource,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly KubernetesObject[]> {
  const path = pathOf(resource, namespace);
  const list = async (): Promise<KubernetesObject[]> =>
    ((await client.raw("GET", path, undefined, { signal })) as ListOf<KubernetesObject>).items;
  const present = await list();
  if (present.length === 0) return [];
  const single = present.map((object) => `${path}/${encodeURIComponent(object.metadata?.name ?? "")}`);
  for (const target of resource.hasDeleteCollection ? [path] : single)
    await ignoringStaleness(client.raw("DELETE", target, { propagationPolicy: "Background" }, { signal }));
  return await list();
}

function pathOf(resource: NamespacedResource, namespace: string): string {
  const type = { kind: "", singular: "", shortNames: [], categories: [], namespaced: true, ...resource };
  return apiPath(type, { namespace });
}

function count(
  remaining: { readonly resources: Map<string, number>; readonly finalizers: Map<string, number> },
  resource: NamespacedResource,
  objects: readonly KubernetesObject[],
): void {
  if (objects.length === 0) return;
  remaining.resources.set(`${resource.plural}.${resource.group}`, objects.length);
  for (const finalizer of objects.flatMap((object) => object.metadata?.finalizers ?? []))
    remaining.finalizers.set(finalizer, (remaining.finalizers.get(finalizer) ?? 0) + 1);
}
