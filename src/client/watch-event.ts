import type { KubernetesObject } from "../api/kubernetes-object.ts";
import { ClientError } from "./client-error.ts";
import type { WatchEventOf } from "./rest-client.ts";
import { statusErrorFrom } from "../api/status.ts";

/** Returns the event that one line of a watch holds. Throws `StatusError` for an error event, `ClientError` for no event. */
export function decodeWatchEvent<T extends KubernetesObject>(line: string): WatchEventOf<T> {
  const event = JSON.parse(line) as { readonly type?: unknown; readonly object?: unknown };
  if (typeof event.object !== "object" || event.object === null) throw unknownEvent(event.type);
  switch (event.type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type: event.type, object: event.object as T };
    case "BOOKMARK":
      return bookmarkOf(event.object);
    case "ERROR":
      throw statusErrorFrom(event.object, 500);
    default:
      throw unknownEvent(event.type);
  }
}

function bookmarkOf(object: KubernetesObject): WatchEventOf<never> {
  const { resourceVersion, annotations } = object.metadata ?? {};
  return {
    type: "BOOKMARK",
    resourceVersion: resourceVersion ?? "",
    initialEventsEnd: annotations?.["k8s.io/initial-events-end"] === "true",
  };
}

function unknownEvent(type: unknown): ClientError {
  return new ClientError(
    "BAD_RESPONSE",
    `Cannot read the watch: event type "${String(type)}" is unknown or has no object`,
  );
}
