import { isDeepStrictEqual } from "node:util";
import type { Container, Pod, PodSpec, Toleration } from "../core-v1.gen.ts";
import { at, forbidden, invalid } from "../field-error.ts";
import type { FieldErrors } from "./checks.ts";
import { validatePodSpec } from "./pod.ts";

/** Checks a change of a pod: little of its spec may change once it exists. */
export function* validatePodUpdate(pod: Pod, before: Pod): FieldErrors {
  const spec = pod.spec ?? { containers: [] };
  const old = before.spec ?? { containers: [] };
  yield* validatePodSpec(spec, "spec");
  if (!sameNames(spec, old)) {
    yield forbidden("spec.containers", "pod updates may not add or remove containers");
    return;
  }
  yield* checkActiveDeadline(spec.activeDeadlineSeconds, old.activeDeadlineSeconds);
  yield* checkTolerations(spec.tolerations ?? [], old.tolerations ?? []);
  yield* checkGates(spec, old);
  if (!isDeepStrictEqual(withAllowedChanges(spec, old), withoutUndefined(old))) yield forbidden("spec", IMMUTABLE_SPEC);
}

const IMMUTABLE_SPEC =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function sameNames(spec: PodSpec, old: PodSpec): boolean {
  return (
    spec.containers.length === old.containers.length &&
    (spec.initContainers ?? []).length === (old.initContainers ?? []).length
  );
}

/** Returns the new spec with every field that may change as it was. */
function withAllowedChanges(spec: PodSpec, old: PodSpec): PodSpec {
  const gated = (old.schedulingGates ?? []).length > 0;
  return withoutUndefined({
    ...spec,
    containers: withOldImages(spec.containers, old.containers),
    initContainers: spec.initContainers && withOldImages(spec.initContainers, old.initContainers ?? []),
    activeDeadlineSeconds: old.activeDeadlineSeconds,
    tolerations: old.tolerations,
    schedulingGates: old.schedulingGates,
    // A pod that is not scheduled yet may narrow where it runs.
    ...(gated ? { nodeSelector: old.nodeSelector, affinity: old.affinity } : {}),
    ...((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1
      ? { terminationGracePeriodSeconds: old.terminationGracePeriodSeconds }
      : {}),
  });
}

function withOldImages(containers: readonly Container[], old: readonly Container[]): Container[] {
  return containers.map((container, index) => ({ ...container, image: old[index]?.image }));
}

function withoutUndefined<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

function* checkActiveDeadline(seconds: number | undefined, before: number | undefined): FieldErrors {
  const path = "spec.activeDeadlineSeconds";
  if (before === undefined || seconds === before) return;
  if (seconds === undefined) yield invalid(path, null, "must not update from a positive integer to nil value");
  else if (seconds > before) yield invalid(path, seconds, "must be less than or equal to previous value");
}

function* checkTolerations(tolerations: readonly Toleration[], before: readonly Toleration[]): FieldErrors {
  const same = (a: Toleration, b: Toleration): boolean =>
    isDeepStrictEqual({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  if (before.every((old) => tolerations.some((toleration) => same(toleration, old)))) return;
  yield forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds");
}

function* checkGates(spec: PodSpec, old: PodSpec): FieldErrors {
  const before = new Set((old.schedulingGates ?? []).map((gate) => gate.name));
  const added = (spec.schedulingGates ?? []).filter((gate) => !before.has(gate.name)).map((gate) => gate.name);
  if (added.length > 0) {
    yield forbidden(
      at("spec", "schedulingGates"),
      `only deletion is allowed, but found new scheduling gate '${added.join(",")}'`,
    );
  }
}
