import type { Pod } from "../../api/core-v1.gen.ts";
import { NODES, PODS } from "../../api/resource-types.ts";
import { forbiddenStatus, type StatusError } from "../../api/status.ts";
import { nodeNameOf } from "../authentication/user-info.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { isMirrorPod } from "./mirror-pod.ts";

/** Keeps a node from writing other nodes, and pods that are not bound to it. */
export const nodeRestriction: AdmissionPlugin = {
  name: "NodeRestriction",
  validate: (request) => {
    const node = nodeNameOf(request.user);
    const error = node === undefined ? undefined : refusal(request, node);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  },
};

function refusal(request: AdmissionRequest, node: string): StatusError | undefined {
  if (request.type.kind === NODES.kind && request.name !== node) {
    return forbiddenStatus(NODES, request.name, `node "${node}" is not allowed to modify node "${request.name}"`);
  }
  if (request.type.kind === PODS.kind) return podRefusal(request, node);
  return undefined;
}

function podRefusal({ operation, name, object, old }: AdmissionRequest, node: string): StatusError | undefined {
  if (operation === "CREATE") {
    const pod = object as Pod;
    if (!isMirrorPod(pod)) {
      return forbiddenStatus(
        PODS,
        name,
        `pod does not have "kubernetes.io/config.mirror" annotation, node "${node}" can only create mirror pods`,
      );
    }
    if (pod.spec?.nodeName === node) return undefined;
    return forbiddenStatus(PODS, name, `node "${node}" can only create pods with spec.nodeName set to itself`);
  }
  if ((old as Pod).spec?.nodeName === node) return undefined;
  const what = operation === "DELETE" ? "delete pods" : "update pod status for pods";
  return forbiddenStatus(PODS, name, `node "${node}" can only ${what} with spec.nodeName set to itself`);
}
