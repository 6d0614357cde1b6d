import { createHash } from "node:crypto";

import type { Container, Lifecycle } from "../api/core-v1.gen.ts";
import type { ContainerStatus } from "../cri/runtime-service.ts";
import type { NodePod, PodContainer, PodRef } from "./node-pod.ts";

/** Labels by which a kubelet finds its pods again in the runtime. Other tools read them too. */
export const POD_NAME_LABEL = "io.kubernetes.pod.name";
export const POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace";
export const POD_UID_LABEL = "io.kubernetes.pod.uid";
export const CONTAINER_NAME_LABEL = "io.kubernetes.container.name";

const CONTAINER_HASH = "io.kubernetes.container.hash";
const RESTART_COUNT = "io.kubernetes.container.restartCount";
const TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath";
const TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy";
const PRE_STOP_HANDLER = "io.kubernetes.container.preStopHandler";
const POD_GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod";

/** Returns the labels of a pod's sandbox. */
export function sandboxLabels(pod: NodePod): Record<string, string> {
  return { ...pod.labels, ...podLabels(pod) };
}

/** Returns the labels of a container. */
export function containerLabels(pod: PodRef, containerName: string): Record<string, string> {
  return { ...podLabels(pod), [CONTAINER_NAME_LABEL]: containerName };
}

/** Returns the annotations of a container: what must be known of it when its pod's object is gone. */
export function containerAnnotations(
  pod: NodePod,
  { spec }: PodContainer,
  restartCount: number,
): Record<string, string> {
  const preStop = spec.lifecycle?.preStop;
  const grace = pod.spec.terminationGracePeriodSeconds;
  return {
    [CONTAINER_HASH]: containerHash(spec),
    [RESTART_COUNT]: String(restartCount),
    [TERMINATION_MESSAGE_PATH]: spec.terminationMessagePath ?? "/dev/termination-log",
    [TERMINATION_MESSAGE_POLICY]: spec.terminationMessagePolicy ?? "File",
    ...(grace === undefined ? {} : { [POD_GRACE_PERIOD]: String(grace) }),
    ...(preStop === undefined ? {} : { [PRE_STOP_HANDLER]: JSON.stringify(preStop) }),
  };
}

/** What the annotations of a container in the runtime say. */
export interface ContainerFacts {
  readonly hash: string;
  readonly restartCount: number;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: string;
  readonly gracePeriodSeconds: number | undefined;
  readonly preStop: Lifecycle["preStop"];
}

/** Reads a container's annotations; what is absent or unreadable gets the value that does least. */
export function containerFactsOf({ annotations }: Pick<ContainerStatus, "annotations">): ContainerFacts {
  return {
    hash: annotations[CONTAINER_HASH] ?? "",
    restartCount: wholeNumber(annotations[RESTART_COUNT]) ?? 0,
    terminationMessagePath: annotations[TERMINATION_MESSAGE_PATH] ?? "",
    terminationMessagePolicy: annotations[TERMINATION_MESSAGE_POLICY] ?? "File",
    gracePeriodSeconds: wholeNumber(annotations[POD_GRACE_PERIOD]),
    preStop: parsePreStop(annotations[PRE_STOP_HANDLER]),
  };
}

/**
 * Returns the hash whose change restarts a running container. It covers name and image and nothing else: a new release of ours, or a
 * field added to the API, must never restart containers.
 */
export function containerHash({ name, image }: Pick<Container, "name" | "image">): string {
  return createHash("sha256").update(JSON.stringify({ name, image })).digest("hex").slice(0, 16);
}

/** Returns the pod that labels of a sandbox or container name, or undefined where they are not a kubelet's. */
export function podRefOf(labels: Readonly<Record<string, string>>): PodRef | undefined {
  const uid = labels[POD_UID_LABEL];
  const namespace = labels[POD_NAMESPACE_LABEL];
  const name = labels[POD_NAME_LABEL];
  return uid === undefined || namespace === undefined || name === undefined ? undefined : { uid, namespace, name };
}

function podLabels({ uid, namespace, name }: PodRef): Record<string, string> {
  return { [POD_NAME_LABEL]: name, [POD_NAMESPACE_LABEL]: namespace, [POD_UID_LABEL]: uid };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function parsePreStop(text: string | undefined): Lifecycle["preStop"] {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Lifecycle["preStop"];
  } catch {
    return undefined;
  }
}
