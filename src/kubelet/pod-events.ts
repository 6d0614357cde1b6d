import type { ObjectReference } from "../api/core-v1.gen.ts";
import type { EventRecorder } from "../client/event-recorder.ts";
import { fieldPathOf, type NodePod, type PodContainer } from "./node-pod.ts";

export type EventType = "Normal" | "Warning";

/** Records what happens to pods and their containers. Never waits for the API server. */
export interface PodEvents {
  pod(pod: NodePod, type: EventType, reason: string, message: string): void;
  container(about: PodAndContainer, type: EventType, reason: string, message: string): void;
}

export interface PodAndContainer {
  readonly pod: NodePod;
  readonly container: PodContainer;
}

/** Returns a recorder of events about pods. */
export function createPodEvents(recorder: Pick<EventRecorder, "record">): PodEvents {
  return {
    pod: (pod, type, reason, message) => recorder.record(podReference(pod), { type, reason, message }),
    container: ({ pod, container }, type, reason, message) =>
      recorder.record({ ...podReference(pod), fieldPath: fieldPathOf(container) }, { type, reason, message }),
  };
}

/** A static pod's uid is its config hash, which is what clients look the events of its mirror pod up by. */
function podReference(pod: NodePod): ObjectReference {
  const { resourceVersion } = pod.object.metadata ?? {};
  return { apiVersion: "v1", kind: "Pod", namespace: pod.namespace, name: pod.name, uid: pod.uid, resourceVersion };
}
