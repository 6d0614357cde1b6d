import type { Event } from "../../api/core-v1.gen.ts";
import { EVENTS } from "../../api/resource-types.ts";
import { eventsV1 } from "./events-v1.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

const HOUR_SECONDS = 3600;

/** Events: each ends an hour after it last happened. */
export const events: ResourceDefinition<Event> = {
  type: EVENTS,
  ttlSeconds: HOUR_SECONDS,
  otherVersions: [eventsV1],
  selectableFields: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind,
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace,
    "involvedObject.name": ({ involvedObject }) => involvedObject.name,
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid,
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion,
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion,
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath,
    reason: ({ reason }) => reason,
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source?.component ?? reportingComponent,
    type: ({ type }) => type,
  },
  strategy: { allowsCreateOnUpdate: true },
};
