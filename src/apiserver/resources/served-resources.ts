import { configMaps } from "./config-maps.ts";
import { events } from "./events.ts";
import { leases } from "./leases.ts";
import { namespaces } from "./namespaces.ts";
import { nodes } from "./nodes.ts";
import { pods } from "./pods.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { secrets } from "./secrets.ts";
import { services } from "./services.ts";
import { serviceAccounts } from "./service-accounts.ts";

/** Every kind that the server serves. */
export const SERVED_RESOURCES: readonly ResourceDefinition[] = [
  configMaps,
  events,
  leases,
  namespaces,
  nodes,
  pods,
  secrets,
  serviceAccounts,
  services,
];
