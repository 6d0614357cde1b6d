import type { FieldError } from "../field-error.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import type { FieldErrors } from "./checks.ts";
import { validateConfigMap, validateConfigMapUpdate } from "./config-map.ts";
import { validateEvent } from "./event.ts";
import { validateLease } from "./lease.ts";
import { dns1035LabelFaults, dnsLabelFaults, dnsSubdomainFaults } from "./names.ts";
import { validateNamespace } from "./namespace.ts";
import { validateNode, validateNodeUpdate } from "./node.ts";
import { type MetaRules, validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.ts";
import { validatePodUpdate } from "./pod-update.ts";
import { validatePod } from "./pod.ts";
import { validateService, validateServiceUpdate } from "./service.ts";
import { validateSecret, validateSecretUpdate } from "./secret.ts";

/**
 * Returns what is wrong with a new object of `kind`, after its defaults; a kind without rules of its own has its metadata
 * checked. At most 100 faults, so that a large bad object makes no huge answer.
 */
export function validateCreate(kind: string, object: KubernetesObject): FieldError[] {
  return Iterator.from(createFaults(rulesOf(kind), object))
    .take(MAX_FAULTS)
    .toArray();
}

/** Returns what is wrong with a change from `before` to `object`, at most 100 faults; not for changes of the status alone. */
export function validateUpdate(kind: string, object: KubernetesObject, before: KubernetesObject): FieldError[] {
  return Iterator.from(updateFaults(rulesOf(kind), object, before))
    .take(MAX_FAULTS)
    .toArray();
}

const MAX_FAULTS = 100;

function* createFaults(rules: KindRules, object: KubernetesObject): FieldErrors {
  yield* validateObjectMeta(object.metadata, rules);
  yield* rules.create(object as never);
}

function* updateFaults(rules: KindRules, object: KubernetesObject, before: KubernetesObject): FieldErrors {
  yield* validateObjectMeta(object.metadata, rules);
  yield* validateObjectMetaUpdate(object.metadata, before.metadata);
  yield* (rules.update ?? rules.create)(object as never, before as never);
}

interface KindRules extends MetaRules {
  readonly create: (object: never) => FieldErrors;
  /** Absent where a change is checked as a new object is. */
  readonly update?: (object: never, before: never) => FieldErrors;
}

function rulesOf(kind: string): KindRules {
  return RULES.get(kind) ?? { namespaced: true, nameFaults: dnsSubdomainFaults, create: nothing };
}

function nothing(): FieldErrors {
  return [];
}

const NAMESPACED = { namespaced: true, nameFaults: dnsSubdomainFaults };
const CLUSTER_WIDE = { namespaced: false, nameFaults: dnsSubdomainFaults };

const RULES = new Map<string, KindRules>([
  ["ConfigMap", { ...NAMESPACED, create: validateConfigMap, update: validateConfigMapUpdate }],
  ["Event", { ...NAMESPACED, create: validateEvent }],
  ["Lease", { ...NAMESPACED, create: validateLease }],
  ["Namespace", { namespaced: false, nameFaults: dnsLabelFaults, create: validateNamespace }],
  ["Node", { ...CLUSTER_WIDE, create: validateNode, update: validateNodeUpdate }],
  ["Pod", { ...NAMESPACED, create: validatePod, update: validatePodUpdate }],
  ["Secret", { ...NAMESPACED, create: validateSecret, update: validateSecretUpdate }],
  [
    "Service",
    { namespaced: true, nameFaults: dns1035LabelFaults, create: validateService, update: validateServiceUpdate },
  ],
  ["ServiceAccount", { ...NAMESPACED, create: nothing }],
]);
