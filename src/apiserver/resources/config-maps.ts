import type { ConfigMap } from "../../api/core-v1.gen.ts";
import { CONFIG_MAPS } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Config maps. */
export const configMaps: ResourceDefinition<ConfigMap> = { type: CONFIG_MAPS, strategy: {} };
