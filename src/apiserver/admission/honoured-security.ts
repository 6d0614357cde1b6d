import type { Pod } from "../../api/core-v1.gen.ts";
import { PODS } from "../../api/resource-types.ts";
import { invalidStatus } from "../../api/status.ts";
import { unhonouredSecurity } from "../resources/pod-honoured-fields.ts";
import type { AdmissionPlugin } from "./admission.ts";

/** Keeps pods out whose isolation no node would give them. */
export const honouredSecurity: AdmissionPlugin = {
  name: "HonouredSecurity",
  validate: ({ type, operation, subresource, object, name }) => {
    if (type.kind !== PODS.kind || operation !== "CREATE" || subresource !== undefined) return Promise.resolve();
    const { spec } = object as Pod;
    const errors = spec === undefined ? [] : unhonouredSecurity(spec);
    return errors.length === 0 ? Promise.resolve() : Promise.reject(invalidStatus(PODS, name, errors));
  },
};
