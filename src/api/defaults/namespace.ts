import type { Namespace } from "../core-v1.gen.ts";

/** Fills in the label that selects a namespace by name, and its phase. */
export function defaultNamespace(namespace: Namespace): void {
  const name = namespace.metadata?.name;
  if (namespace.metadata !== undefined && name !== undefined && name !== "") {
    namespace.metadata.labels = { ...namespace.metadata.labels, "kubernetes.io/metadata.name": name };
  }
  namespace.status = { ...namespace.status, phase: namespace.status?.phase ?? "Active" };
}
