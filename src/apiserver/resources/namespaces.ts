import type { Namespace } from "../../api/core-v1.gen.ts";
import { apiVersionOf, NAMESPACES } from "../../api/resource-types.ts";
import { decodeObject } from "../objects/decode-body.ts";
import { keepSystemMetadata } from "../objects/object-metadata.ts";
import { jsonResponse } from "../http/api-response.ts";
import { conflictStatus } from "../../api/status.ts";
import type { ResourceDefinition, SubresourceCall } from "./resource-definition.ts";

const FINALIZER = "kubernetes";

/** Names of the namespaces that every cluster has. */
export const SYSTEM_NAMESPACES = ["default", "kube-system", "kube-public", "kube-node-lease"] as const;

/** Namespaces: a deleted one stays until its content is gone and `finalize` says so. */
export const namespaces: ResourceDefinition<Namespace> = {
  type: NAMESPACES,
  hasStatus: true,
  selectableFields: { "status.phase": ({ status }) => status?.phase },
  strategy: {
    prepareForCreate: (namespace) => {
      // Its content has to go before it does.
      namespace.spec = {
        ...namespace.spec,
        finalizers: [...new Set([...(namespace.spec?.finalizers ?? []), FINALIZER])],
      };
      namespace.status = { phase: "Active" };
    },
    prepareForUpdate: (namespace, old) => {
      namespace.spec = { ...namespace.spec, finalizers: old.spec?.finalizers };
      namespace.status = old.status;
    },
    prepareForStatusUpdate: (namespace, old) => {
      namespace.spec = old.spec;
    },
    isHeld: ({ spec }) => (spec?.finalizers ?? []).length > 0,
    markDeleted: (namespace) => {
      namespace.status = { ...namespace.status, phase: "Terminating" };
    },
  },
  subresources: [
    {
      name: "finalize",
      kind: { group: "", version: "v1", kind: "Namespace" },
      verbs: ["update"],
      handle: finalizeNamespace,
    },
  ],
};

/** Replaces the finalizers of a namespace; a deleted one without any is gone. */
async function finalizeNamespace({ context, request, target }: SubresourceCall) {
  const wanted = await decodeObject<Namespace>(request, {
    apiVersion: apiVersionOf(NAMESPACES),
    kind: NAMESPACES.kind,
  });
  const { stored } = await context.stores.of(NAMESPACES).mutate({ name: target.name }, ({ object: old }) => {
    const { resourceVersion = "" } = wanted.metadata ?? {};
    if (resourceVersion !== "" && resourceVersion !== old.metadata?.resourceVersion) {
      throw conflictStatus(NAMESPACES, target.name);
    }
    keepSystemMetadata(NAMESPACES, structuredClone(wanted), old);
    const object: Namespace = { ...old, spec: { ...old.spec, finalizers: wanted.spec?.finalizers } };
    const isHeld = [...(object.spec?.finalizers ?? []), ...(old.metadata?.finalizers ?? [])].length > 0;
    const isGone = old.metadata?.deletionTimestamp !== undefined && !isHeld;
    return Promise.resolve(isGone ? { outcome: "remove", object } : { outcome: "write", object });
  });
  return jsonResponse(200, stored.object);
}
