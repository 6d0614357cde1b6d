import type { Node } from "../../api/core-v1.gen.ts";
import { NODES } from "../../api/resource-types.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Nodes, which register themselves. */
export const nodes: ResourceDefinition<Node> = {
  type: NODES,
  hasStatus: true,
  selectableFields: { "spec.unschedulable": ({ spec }) => String(spec?.unschedulable ?? false) },
  strategy: {
    prepareForUpdate: (node, old) => {
      node.status = old.status;
    },
    prepareForStatusUpdate: (node, old) => {
      node.spec = old.spec;
    },
  },
};
