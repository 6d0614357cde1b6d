import type { Service } from "../../api/core-v1.gen.ts";
import { SERVICES } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Services: names and addresses for sets of pods. */
export const services: ResourceDefinition<Service> = {
  type: SERVICES,
  hasStatus: true,
  selectableFields: {
    "spec.clusterIP": ({ spec }) => spec?.clusterIP,
    "spec.type": ({ spec }) => spec?.type,
  },
  strategy: {
    returnsDeletedObject: true,
    prepareForCreate: (service) => {
      service.status = { loadBalancer: {} };
    },
    prepareForUpdate: (service, old) => {
      service.status = old.status;
    },
    prepareForStatusUpdate: (service, old) => {
      service.spec = old.spec;
    },
    warnings: ({ spec }) => (spec?.type === "ExternalName" ? [] : [NOT_ROUTED]),
  },
};

const NOT_ROUTED = "services are kept but not routed yet: nothing answers at spec.clusterIP or at a node port";
