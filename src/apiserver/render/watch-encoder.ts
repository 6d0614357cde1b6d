import { apiVersionOf } from "../../api/resource-types.ts";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { StatusError } from "../../api/status.ts";
import type { ResourceCall } from "../handlers/resource-call.ts";
import { shownIn } from "../resources/served-version.ts";
import type { WatchEventType } from "../store/cache-event.ts";
import type { SeenEvent } from "../store/predicate.ts";
import type { StoredObject } from "../store/stored-object.ts";
import type { WatchEncoder } from "../store/watch-stream.ts";
import { partialMetadataOf } from "./partial-metadata.ts";
import { type Representation, representationOf } from "./representation.ts";
import { renderTable } from "./render-table.ts";

/** Returns what turns the events of a watch into lines, in the representation that the client wants. */
export function watchEncoderOf(call: ResourceCall): WatchEncoder {
  const { type } = call.version ?? call.definition;
  const representation = representationOf(call.request);
  const empty = { kind: type.kind, apiVersion: apiVersionOf(type) };
  switch (representation.kind) {
    case "table":
      return tableEncoder(call, representation, empty);
    case "metadata":
      return encoderOf(
        ({ type, stored }) => jsonLine(type, partialMetadataOf(stored.object, representation.apiVersion)),
        { kind: "PartialObjectMetadata", apiVersion: representation.apiVersion },
      );
    default:
      return encoderOf(({ type, stored }) => sharedLine(type, shownIn(call.version, stored)), empty);
  }
}

function tableEncoder(
  call: ResourceCall,
  representation: Representation & { readonly kind: "table" },
  empty: KubernetesObject,
): WatchEncoder {
  // The columns are told once, with the first event.
  let withoutHeaders = false;
  return encoderOf((event) => {
    const metadata = { resourceVersion: event.stored.object.metadata?.resourceVersion };
    const table = renderTable(call, { objects: [event.stored], metadata, withoutHeaders }, representation);
    withoutHeaders = true;
    return jsonLine(event.type, table);
  }, empty);
}

function encoderOf(event: (event: SeenEvent) => Uint8Array, empty: KubernetesObject): WatchEncoder {
  return {
    contentType: "application/json",
    event,
    bookmark: (revision, endsInitial) =>
      jsonLine("BOOKMARK", { ...empty, metadata: bookmarkMetadata(revision, endsInitial) }),
    error: (error: StatusError) => jsonLine("ERROR", error.toStatus()),
  };
}

function bookmarkMetadata(revision: number, endsInitial: boolean): object {
  const annotations = endsInitial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {};
  return { resourceVersion: String(revision), creationTimestamp: null, ...annotations };
}

function jsonLine(type: string, object: unknown): Buffer {
  return Buffer.from(`${JSON.stringify({ type, object })}\n`);
}

// However many watch, a line is made once.
const lines = new WeakMap<StoredObject, Partial<Record<WatchEventType, Buffer>>>();
const LINE_END = Buffer.from("}\n");

function sharedLine(type: WatchEventType, stored: StoredObject): Buffer {
  let byType = lines.get(stored);
  if (byType === undefined) {
    byType = {};
    lines.set(stored, byType);
  }
  byType[type] ??= Buffer.concat([Buffer.from(`{"type":"${type}","object":`), stored.encoded, LINE_END]);
  return byType[type];
}
