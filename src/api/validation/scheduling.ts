import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  PodSpec,
  Toleration,
  TopologySpreadConstraint,
} from "../core-v1.gen.ts";
import { at, atIndex, duplicate, invalid, notSupported, required } from "../field-error.ts";
import { checkChoice, checkRange, checkRequiredText, checkText, type FieldErrors } from "./checks.ts";
import { labelKeyFaults, labelValueFaults } from "./names.ts";
import { validateLabels } from "./object-meta.ts";

/** Checks what a pod says about where it may run. */
export function* validateScheduling(spec: PodSpec, path: string): FieldErrors {
  yield* validateLabels(spec.nodeSelector, at(path, "nodeSelector"));
  if (spec.affinity !== undefined) yield* validateAffinity(spec.affinity, at(path, "affinity"));
  for (const [index, toleration] of (spec.tolerations ?? []).entries()) {
    yield* validateToleration(toleration, atIndex(at(path, "tolerations"), index));
  }
  for (const [index, constraint] of (spec.topologySpreadConstraints ?? []).entries()) {
    yield* validateSpread(constraint, atIndex(at(path, "topologySpreadConstraints"), index));
  }
  const gates = new Set<string>();
  for (const [index, gate] of (spec.schedulingGates ?? []).entries()) {
    const gatePath = atIndex(at(path, "schedulingGates"), index);
    yield* checkText(gatePath, gate.name, labelKeyFaults);
    if (gates.has(gate.name)) yield duplicate(gatePath, gate.name);
    gates.add(gate.name);
  }
}

function* validateToleration(toleration: Toleration, path: string): FieldErrors {
  const { key = "", operator = "", value = "", effect = "" } = toleration;
  if (key !== "") yield* checkText(at(path, "key"), key, labelKeyFaults);
  if (key === "" && operator !== "Exists") {
    yield invalid(
      at(path, "operator"),
      operator,
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    );
  }
  if (toleration.tolerationSeconds !== undefined && effect !== "NoExecute") {
    yield invalid(at(path, "effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === "" || operator === "Equal") {
    for (const fault of labelValueFaults(value)) yield invalid(at(path, "operator"), value, fault);
  } else if (operator === "Exists") {
    if (value !== "")
      yield invalid(at(path, "operator"), toleration, "value must be empty when `operator` is 'Exists'");
  } else if (operator !== "Lt" && operator !== "Gt") {
    yield notSupported(at(path, "operator"), operator, ["Equal", "Exists"]);
  }
  if (effect !== "") yield* checkChoice(at(path, "effect"), effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]);
}

function* validateAffinity(affinity: Affinity, path: string): FieldErrors {
  const node = affinity.nodeAffinity;
  const required_ = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required_ !== undefined) {
    const termsPath = at(path, "nodeAffinity", REQUIRED, "nodeSelectorTerms");
    if (required_.nodeSelectorTerms.length === 0)
      yield required(termsPath, "must have at least one node selector term");
    for (const [index, term] of required_.nodeSelectorTerms.entries())
      yield* validateTerm(term, atIndex(termsPath, index));
  }
  for (const [index, { weight, preference }] of (
    node?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  ).entries()) {
    const termPath = atIndex(at(path, "nodeAffinity", PREFERRED), index);
    yield* checkWeight(weight, at(termPath, "weight"));
    yield* validateTerm(preference, at(termPath, "preference"));
  }
  for (const kind of ["podAffinity", "podAntiAffinity"] as const) {
    const pods = affinity[kind];
    for (const [index, term] of (pods?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      yield* validatePodTerm(term, atIndex(at(path, kind, REQUIRED), index));
    }
    for (const [index, { weight, podAffinityTerm }] of (
      pods?.preferredDuringSchedulingIgnoredDuringExecution ?? []
    ).entries()) {
      const termPath = atIndex(at(path, kind, PREFERRED), index);
      yield* checkWeight(weight, at(termPath, "weight"));
      yield* validatePodTerm(podAffinityTerm, at(termPath, "podAffinityTerm"));
    }
  }
}

const REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution";
const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

function* checkWeight(weight: number, path: string): FieldErrors {
  if (weight <= 0 || weight > 100) yield invalid(path, weight, "must be in the range 1-100");
}

function* validateTerm(term: NodeSelectorTerm, path: string): FieldErrors {
  for (const [index, { key, operator, values = [] }] of (term.matchExpressions ?? []).entries()) {
    const expressionPath = atIndex(at(path, "matchExpressions"), index);
    yield* checkText(at(expressionPath, "key"), key, labelKeyFaults);
    if (!OPERATORS.includes(operator))
      yield invalid(at(expressionPath, "operator"), operator, "not a valid selector operator");
    else if (operator.endsWith("In") && values.length === 0) {
      yield required(at(expressionPath, "values"), "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (operator.endsWith("t") && operator.length === 2 && values.length !== 1) {
      yield required(at(expressionPath, "values"), "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  }
}

function* validatePodTerm(term: PodAffinityTerm, path: string): FieldErrors {
  if ((term.topologyKey ?? "") === "") yield required(at(path, "topologyKey"), "can not be empty");
  else yield* checkText(at(path, "topologyKey"), term.topologyKey, labelKeyFaults);
}

function* validateSpread(constraint: TopologySpreadConstraint, path: string): FieldErrors {
  if ((constraint.maxSkew ?? 0) <= 0)
    yield invalid(at(path, "maxSkew"), constraint.maxSkew ?? 0, "must be greater than zero");
  yield* checkRequiredText(at(path, "topologyKey"), constraint.topologyKey, labelKeyFaults);
  yield* checkChoice(at(path, "whenUnsatisfiable"), constraint.whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]);
  yield* checkRange(at(path, "minDomains"), constraint.minDomains, 1, 2_147_483_647);
}
