import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../../api/core-v1.gen.ts";
import { podStatusText } from "../../api/pod-status.ts";
import { PODS } from "../../api/resource-types.ts";
import { podBinding } from "./pod-binding.ts";
import { unhonouredWarnings } from "./pod-honoured-fields.ts";
import { podLog } from "./pod-log.ts";
import { qosClassOf } from "../../api/qos-class.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

const DEFAULT_GRACE_SECONDS = 30;
const ENDED_PHASES: ReadonlySet<string> = new Set(["Failed", "Succeeded"]);

/** Pods: bound to a node by `binding`, ended gracefully, their logs read from their kubelet. */
export const pods: ResourceDefinition<Pod> = {
  type: PODS,
  hasStatus: true,
  selectableFields: {
    "spec.nodeName": ({ spec }) => spec?.nodeName,
    "spec.restartPolicy": ({ spec }) => spec?.restartPolicy,
    "spec.schedulerName": ({ spec }) => spec?.schedulerName,
    "spec.serviceAccountName": ({ spec }) => spec?.serviceAccountName,
    "spec.hostNetwork": ({ spec }) => String(spec?.hostNetwork ?? false),
    "status.phase": ({ status }) => status?.phase,
    "status.podIP": ({ status }) => status?.podIP,
    "status.nominatedNodeName": ({ status }) => status?.nominatedNodeName,
    // What the STATUS column says, so that the reason a user sees can be asked for.
    "status.reason": podStatusText,
  },
  strategy: {
    returnsDeletedObject: true,
    prepareForCreate: (pod) => {
      pod.metadata = { ...pod.metadata, generation: 1 };
      pod.status = { phase: "Pending", qosClass: qosClassOf(pod.spec) };
    },
    warnings: ({ spec }) => (spec === undefined ? [] : unhonouredWarnings(spec)),
    prepareForUpdate: (pod, old) => {
      pod.status = old.status;
      if (pod.metadata?.generation !== undefined && !isDeepStrictEqual(pod.spec, old.spec)) pod.metadata.generation++;
    },
    prepareForStatusUpdate: (pod, old) => {
      pod.spec = old.spec;
      pod.metadata = { ...pod.metadata, ownerReferences: old.metadata?.ownerReferences };
      pod.status = { ...pod.status, qosClass: old.status?.qosClass };
    },
    gracePeriodSeconds: ({ spec, status }, requested) => {
      // Nobody has to be asked to stop what never ran or has ended.
      const runs = (spec?.nodeName ?? "") !== "" && !ENDED_PHASES.has(status?.phase ?? "");
      if (!runs) return undefined;
      return requested ?? Math.max(spec?.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS, 1);
    },
  },
  subresources: [podBinding, podLog],
};
