import type { Event } from "../core-v1.gen.ts";
import { ageText } from "../human-duration.ts";
import { column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of events. */
export const EVENT_COLUMNS: KindColumns<Event> = {
  columns: [
    column("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
    column("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
    column(
      "Reason",
      "This should be a short, machine understandable string that gives the reason for the transition into the object's current status.",
    ),
    column("Object", "The object that this event is about."),
    column("Subobject", "The part of the object that this event is about.", { priority: 1 }),
    column("Source", "The component reporting this event. Should be a short machine understandable string.", {
      priority: 1,
    }),
    column("Message", "A human-readable description of the status of this operation."),
    column("First Seen", "The time at which the event was first recorded.", { priority: 1 }),
    column("Count", "The number of times this event has occurred.", { priority: 1 }),
    { ...NAME_COLUMN, priority: 1 },
  ],
  cells: (event, now) => {
    const first = event.firstTimestamp ?? event.eventTime;
    const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? first;
    return [
      ageText(last, now),
      event.type ?? "",
      event.reason ?? "",
      objectText(event),
      event.involvedObject?.fieldPath ?? "",
      sourceText(event),
      (event.message ?? "").trim(),
      ageText(first, now),
      event.series?.count ?? event.count ?? 1,
      nameCell(event),
    ];
  },
};

function objectText(event: Event): string {
  const kind = (event.involvedObject?.kind ?? "").toLowerCase();
  const name = event.involvedObject?.name ?? "";
  return name === "" ? kind : `${kind}/${name}`;
}

function sourceText(event: Event): string {
  const component = event.source?.component ?? event.reportingComponent ?? "";
  const host = event.source?.host ?? event.reportingInstance ?? "";
  return host === "" ? component : `${component}, ${host}`;
}
