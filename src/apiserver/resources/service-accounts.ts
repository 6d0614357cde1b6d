import type { ServiceAccount } from "../../api/core-v1.gen.ts";
import { SERVICE_ACCOUNTS } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Service accounts, which pods run as. */
export const serviceAccounts: ResourceDefinition<ServiceAccount> = {
  type: SERVICE_ACCOUNTS,
  strategy: { returnsDeletedObject: true },
};
