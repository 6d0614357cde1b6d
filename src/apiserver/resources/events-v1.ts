import type { Event as CoreEvent } from "../../api/core-v1.gen.ts";
import type { Event } from "../../api/events-v1.gen.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import { EVENTS } from "../../api/resource-types.ts";
import type { ServedVersion } from "./served-version.ts";

const API_VERSION = "events.k8s.io/v1";

/** What events of the older kind leave out is null here: these fields are always there. */
type EventView = Omit<Event, "eventTime" | "series"> & {
  eventTime: string | null;
  series: object | undefined;
};

/** The same events as `events.k8s.io/v1` names their fields. */
export const eventsV1: ServedVersion<CoreEvent> = {
  type: { ...EVENTS, group: "events.k8s.io" },
  fieldLabels: new Map([
    ["reason", "reason"],
    ["type", "type"],
    ["reportingController", "reportingComponent"],
    ...["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map(
      (field) => [`regarding.${field}`, `involvedObject.${field}`] as const,
    ),
  ]),
  fromStored: (core: CoreEvent): EventView => {
    const { involvedObject, message, source, count, firstTimestamp, lastTimestamp, reportingComponent, ...same } = core;
    return withoutAbsent({
      ...same,
      apiVersion: API_VERSION,
      eventTime: core.eventTime ?? null,
      series: core.series && { count: 0, lastObservedTime: null, ...core.series },
      regarding: involvedObject,
      note: message,
      reportingController: reportingComponent,
      deprecatedSource: source,
      deprecatedCount: count,
      deprecatedFirstTimestamp: firstTimestamp,
      deprecatedLastTimestamp: lastTimestamp,
    });
  },
  toStored: (object: KubernetesObject): CoreEvent => {
    const event = object as Event;
    const { regarding = {}, note, reportingController, deprecatedSource, deprecatedCount, ...others } = event;
    const { deprecatedFirstTimestamp, deprecatedLastTimestamp, ...same } = others;
    return withoutAbsent({
      ...same,
      apiVersion: "v1",
      metadata: event.metadata ?? {},
      involvedObject: regarding,
      message: note,
      reportingComponent: reportingController,
      source: deprecatedSource,
      count: deprecatedCount,
      firstTimestamp: deprecatedFirstTimestamp,
      lastTimestamp: deprecatedLastTimestamp,
    });
  },
};

// A field that is there but undefined would be taken for a value of the wrong type.
function withoutAbsent<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
