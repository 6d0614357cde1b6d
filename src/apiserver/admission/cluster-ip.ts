import type { Service, ServiceSpec } from "../../api/core-v1.gen.ts";
import { invalid } from "../../api/field-error.ts";
import { SERVICES } from "../../api/resource-types.ts";
import { invalidStatus } from "../../api/status.ts";
import { AddressPool } from "../services/address-pool.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { AdmissionPlugin } from "./admission.ts";

/** Returns what gives each service an address out of `range`, or checks the one that it names. */
export function clusterIp(range: string): AdmissionPlugin {
  const pool = new AddressPool(range);
  return {
    name: "ClusterIP",
    admit: async ({ type, subresource, object, old }, stores) => {
      if (type.kind !== SERVICES.kind || type.group !== "" || subresource !== undefined || object === undefined) return;
      const service: Service = object;
      const before: Service = old ?? {};
      const spec = (service.spec ??= {});
      keepAddress(spec, before.spec ?? {});
      if (spec.type === "ExternalName") return;
      checkFamilies(service);
      const wanted = spec.clusterIP || spec.clusterIPs?.[0] || "";
      const isKept = wanted === "None" || (wanted !== "" && wanted === before.spec?.clusterIP);
      const given = isKept ? wanted : await assign(pool, service, stores.of(SERVICES));
      spec.clusterIP = given;
      spec.clusterIPs = [given];
      spec.ipFamilies = ["IPv4"];
      spec.ipFamilyPolicy = "SingleStack";
    },
  };
}

/** Leaves the address where an update says nothing of it, and takes it away where the service is a mere name. */
function keepAddress(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.type !== "ExternalName") {
    if (old.clusterIP !== undefined && !spec.clusterIP) spec.clusterIP = old.clusterIP;
    return;
  }
  if (spec.clusterIP !== old.clusterIP) return;
  for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] as const) delete spec[field];
}

function checkFamilies(service: Service): void {
  const { ipFamilies = [], ipFamilyPolicy, clusterIPs = [] } = service.spec ?? {};
  const errors = [
    ...ipFamilies.flatMap((family, index) =>
      family === "IPv4" ? [] : [invalid(`spec.ipFamilies[${index}]`, family, "not configured on this cluster")],
    ),
    ...(ipFamilyPolicy === "RequireDualStack" || clusterIPs.length > 1
      ? [invalid("spec.ipFamilyPolicy", ipFamilyPolicy, "this cluster is not configured for dual-stack services")]
      : []),
  ];
  if (errors.length > 0) throw invalidStatus(SERVICES, service.metadata?.name ?? "", errors);
}

async function assign(pool: AddressPool, service: Service, store: ResourceStore<Service>): Promise<string> {
  const { spec = {}, metadata = {} } = service;
  const wanted = spec.clusterIP || spec.clusterIPs?.[0] || "";
  const used = new Set(store.cache.snapshot().objects.map(({ object }) => object.spec?.clusterIP ?? ""));
  const { address, reason } = await pool.take(wanted, used);
  if (address !== undefined) return address;
  const text = `failed to allocate IP${wanted === "" ? "" : ` ${wanted}`}: ${reason}`;
  throw invalidStatus(SERVICES, metadata.name ?? "", [
    invalid("spec.clusterIPs", wanted === "" ? null : [wanted], text),
  ]);
}
