import type { Namespace } from "../api/core-v1.gen.ts";
import { NAMESPACES } from "../api/resource-types.ts";
import { StatusError } from "../api/status.ts";
import { fillNewMetadata } from "./objects/object-metadata.ts";
import { fillDefaults } from "./objects/object-rules.ts";
import { namespaces, SYSTEM_NAMESPACES } from "./resources/namespaces.ts";
import type { Stores } from "./store/stores.ts";

/** Makes the namespaces that every cluster has, where they are missing. */
export async function ensureSystemNamespaces(stores: Stores): Promise<void> {
  await Promise.all(SYSTEM_NAMESPACES.map((name) => ensureNamespace(stores, name)));
}

async function ensureNamespace(stores: Stores, name: string): Promise<void> {
  const store = stores.of(NAMESPACES);
  if (store.cache.get(store.prefixOf(undefined) + name) !== undefined) return;
  const namespace: Namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  fillNewMetadata(namespace);
  fillDefaults(NAMESPACES, namespace);
  namespaces.strategy.prepareForCreate?.(namespace);
  try {
    await store.create({ name }, namespace);
  } catch (error) {
    // Another server of the same cluster was quicker.
    if (!(error instanceof StatusError) || error.reason !== "AlreadyExists") throw error;
  }
}
