import type { KubernetesObject } from "../../api/kubernetes-object.ts";

/** Returns an object's metadata alone, as `PartialObjectMetadata`. */
export function partialMetadataOf({ metadata }: KubernetesObject, apiVersion = "meta.k8s.io/v1"): KubernetesObject {
  return { kind: "PartialObjectMetadata", apiVersion, metadata };
}
