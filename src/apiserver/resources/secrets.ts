import type { Secret } from "../../api/core-v1.gen.ts";
import { SECRETS } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Secrets, selectable by type. */
export const secrets: ResourceDefinition<Secret> = {
  type: SECRETS,
  selectableFields: { type: ({ type }) => type },
  strategy: {},
};
