import { NAMESPACES } from "../../api/resource-types.ts";
import { forbiddenStatus, notFoundStatus, StatusError } from "../../api/status.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";

const IMMORTAL: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Refuses new objects in namespaces that do not exist or are ending, and the end of those that every cluster has. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  admit: async (request, stores) => {
    const { namespace } = request;
    if (request.operation !== "CREATE" || !request.type.namespaced || namespace === undefined) return;
    const { object } = await stores
      .of(NAMESPACES)
      .get({ name: namespace })
      .catch(() => {
        throw notFoundStatus(NAMESPACES, namespace);
      });
    if (object.metadata?.deletionTimestamp !== undefined) throw terminating(request, namespace);
  },
  validate: (request) => {
    const isImmortal = request.type.kind === NAMESPACES.kind && IMMORTAL.has(request.name);
    if (request.operation !== "DELETE" || !isImmortal) return Promise.resolve();
    return Promise.reject(forbiddenStatus(NAMESPACES, request.name, "this namespace may not be deleted"));
  },
};

function terminating({ type, name }: AdmissionRequest, namespace: string): StatusError {
  const reason = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const { message, details } = forbiddenStatus(type, name, reason);
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${namespace} is being terminated`,
    field: "metadata.namespace",
  };
  return new StatusError("Forbidden", message, { details: { ...details, causes: [cause] } });
}
