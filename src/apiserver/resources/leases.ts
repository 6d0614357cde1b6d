import type { Lease } from "../../api/coordination-v1.gen.ts";
import { LEASES } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Leases, by which components and nodes show that they live. */
export const leases: ResourceDefinition<Lease> = {
  type: LEASES,
  strategy: { allowsCreateOnUpdate: true, allowsUnconditionalUpdate: false },
};
