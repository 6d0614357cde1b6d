import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";

/** Returns how discovery lists a kind of review: version `v1`, no short names, in no category. */
export function reviewType<T extends KubernetesObject>(
  group: string,
  kind: string,
  namespaced = false,
): ResourceType<T> {
  const singular = kind.toLowerCase();
  const names = { kind, plural: `${singular}s`, singular, shortNames: [], categories: [] };
  return { group, version: "v1", namespaced, ...names };
}
