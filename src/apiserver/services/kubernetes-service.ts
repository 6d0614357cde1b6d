import type { Service } from "../../api/core-v1.gen.ts";
import { SERVICES } from "../../api/resource-types.ts";
import { StatusError } from "../../api/status.ts";
import { fillNewMetadata } from "../objects/object-metadata.ts";
import { fillDefaults } from "../objects/object-rules.ts";
import type { Stores } from "../store/stores.ts";
import { firstAddress } from "./address-pool.ts";

/** Makes `default/kubernetes`, by which pods know the API server, where it is missing, and keeps its port true. */
export async function ensureKubernetesService(stores: Stores, range: string, apiPort: number): Promise<void> {
  const store = stores.of(SERVICES);
  const name = { namespace: "default", name: "kubernetes" };
  const present = store.cache.get(store.prefixOf(name.namespace) + name.name)?.object;
  if (present?.spec?.ports?.[0]?.targetPort === apiPort) return;
  const ports = [{ name: "https", port: 443, protocol: "TCP", targetPort: apiPort }];
  try {
    if (present === undefined) await store.create(name, serviceOf(await firstAddress(range), ports));
    else {
      await store.mutate(name, ({ object }) =>
        Promise.resolve({ outcome: "write", object: { ...object, spec: { ...object.spec, ports } } }),
      );
    }
  } catch (error) {
    // Another server of the same cluster was quicker.
    if (!(error instanceof StatusError)) throw error;
  }
}

function serviceOf(clusterIP: string, ports: NonNullable<Service["spec"]>["ports"]): Service {
  const service: Service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "kubernetes",
      namespace: "default",
      labels: { component: "apiserver", provider: "kubernetes" },
    },
    spec: { clusterIP, clusterIPs: [clusterIP], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack", ports },
  };
  fillNewMetadata(service);
  fillDefaults(SERVICES, service);
  return service;
}
