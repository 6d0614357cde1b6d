import type { KubernetesObject } from "../kubernetes-object.ts";
import { defaultNamespace } from "./namespace.ts";
import { defaultNode } from "./node.ts";
import { defaultPod } from "./pod.ts";
import { defaultSecret } from "./secret.ts";
import { defaultService } from "./service.ts";

/**
 * Fills in what an object of `kind` leaves out and returns the same object. Idempotent. A name to be generated must be there
 * before: some defaults follow from it.
 */
export function applyDefaults<T extends KubernetesObject>(kind: string, object: T): T {
  DEFAULTS.get(kind)?.(object);
  return object;
}

const DEFAULTS = new Map<string, (object: KubernetesObject) => void>([
  ["Namespace", defaultNamespace],
  ["Node", defaultNode],
  ["Pod", defaultPod],
  ["Secret", defaultSecret],
  ["Service", defaultService],
]);
