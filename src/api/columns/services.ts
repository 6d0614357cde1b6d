import type { Service, ServicePort } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of services. */
export const SERVICE_COLUMNS: KindColumns<Service> = {
  columns: [
    NAME_COLUMN,
    column("Type", "type determines how the Service is exposed."),
    column("Cluster-IP", "clusterIP is the IP address of the service."),
    column("External-IP", "Addresses by which the service is reached from outside of the cluster."),
    column("Port(s)", "The list of ports that are exposed by this service."),
    AGE_COLUMN,
    column("Selector", "Route service traffic to pods with label keys and values matching this selector.", {
      priority: 1,
    }),
  ],
  cells: (service, now) => [
    nameCell(service),
    service.spec?.type ?? "",
    service.spec?.clusterIP ?? NONE,
    externalText(service),
    portsText(service.spec?.ports ?? []),
    ageCell(service, now),
    selectorText(service.spec?.selector ?? {}),
  ],
};

const NONE = "<none>";

function externalText({ spec = {}, status = {} }: Service): string {
  if (spec.type === "ExternalName") return spec.externalName ?? NONE;
  const ingress = (status.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip ?? hostname ?? "");
  const addresses = [...ingress, ...(spec.externalIPs ?? [])];
  if (addresses.length > 0) return addresses.join(",");
  return spec.type === "LoadBalancer" ? "<pending>" : NONE;
}

function portsText(ports: readonly ServicePort[]): string {
  const texts = ports.map(
    ({ port, nodePort = 0, protocol }) => `${port}${nodePort > 0 ? `:${nodePort}` : ""}/${protocol}`,
  );
  return texts.length === 0 ? NONE : texts.join(",");
}

function selectorText(selector: Readonly<Record<string, string>>): string {
  const texts = Object.entries(selector).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? NONE : texts.toSorted().join(",");
}
