import type { ObjectMeta } from "../meta-v1.gen.ts";
import { at, atIndex, type FieldError, forbidden, invalid, required, tooLong } from "../field-error.ts";
import { checkText, type FieldErrors } from "./checks.ts";
import { dnsLabelFaults, type Faults, labelKeyFaults, labelValueFaults } from "./names.ts";

/** What the metadata of a kind may be. */
export interface MetaRules {
  readonly namespaced: boolean;
  readonly nameFaults: (name: string) => Faults;
}

/** Checks the metadata of a new object. */
export function* validateObjectMeta(meta: ObjectMeta | undefined, rules: MetaRules): FieldErrors {
  const path = "metadata";
  yield* checkNames(meta ?? {}, rules, path);
  yield* checkNamespace(meta?.namespace ?? "", rules, path);
  if (meta?.generation !== undefined && meta.generation < 0) {
    yield invalid(at(path, "generation"), meta.generation, "must be greater than or equal to 0");
  }
  yield* validateLabels(meta?.labels, at(path, "labels"));
  yield* validateAnnotations(meta?.annotations, at(path, "annotations"));
  yield* checkOwnerReferences(meta?.ownerReferences ?? [], at(path, "ownerReferences"));
  for (const [index, finalizer] of (meta?.finalizers ?? []).entries()) {
    yield* checkText(atIndex(at(path, "finalizers"), index), finalizer, labelKeyFaults);
  }
}

/** Checks how the metadata of an object changes. */
export function* validateObjectMetaUpdate(meta: ObjectMeta | undefined, before: ObjectMeta | undefined): FieldErrors {
  for (const field of IMMUTABLE_FIELDS) {
    const value = meta?.[field];
    if (value !== before?.[field]) yield invalid(at("metadata", field), value ?? null, "field is immutable");
  }
  const old = new Set(before?.finalizers);
  const added = (meta?.finalizers ?? []).filter((finalizer) => !old.has(finalizer));
  if (before?.deletionTimestamp !== undefined && added.length > 0) {
    const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
    const detail = "no new finalizers can be added if the object is being deleted, found new finalizers";
    yield forbidden("metadata.finalizers", `${detail} []string{${list}}`);
  }
}

/** Checks the keys and values of labels. */
export function* validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldErrors {
  for (const [key, value] of Object.entries(labels ?? {})) {
    yield* checkText(path, key, labelKeyFaults);
    yield* checkText(path, value, labelValueFaults);
  }
}

const MAX_ANNOTATION_BYTES = 256 * 1024;

const IMMUTABLE_FIELDS = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const satisfies readonly (keyof ObjectMeta)[];

function* checkNames(meta: ObjectMeta, rules: MetaRules, path: string): FieldErrors {
  const { name = "", generateName = "" } = meta;
  if (generateName !== "") {
    // A prefix may end in a dash, since more follows.
    for (const fault of rules.nameFaults(generateName.replace(/.-$/, "a"))) {
      yield invalid(at(path, "generateName"), generateName, fault);
    }
  }
  if (name !== "") yield* checkText(at(path, "name"), name, rules.nameFaults);
  else if (generateName === "") yield required(at(path, "name"), "name or generateName is required");
}

function* checkNamespace(namespace: string, rules: MetaRules, path: string): FieldErrors {
  if (rules.namespaced && namespace === "") yield required(at(path, "namespace"));
  else if (rules.namespaced) yield* checkText(at(path, "namespace"), namespace, dnsLabelFaults);
  else if (namespace !== "") yield forbidden(at(path, "namespace"), "not allowed on this type");
}

function* validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: string): FieldErrors {
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const fault of labelKeyFaults(key.toLowerCase())) yield invalid(path, key, fault);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size > MAX_ANNOTATION_BYTES) yield tooLong(path, MAX_ANNOTATION_BYTES);
}

function* checkOwnerReferences(owners: NonNullable<ObjectMeta["ownerReferences"]>, path: string): FieldErrors {
  for (const [index, owner] of owners.entries()) {
    const ownerPath = atIndex(path, index);
    for (const field of ["apiVersion", "kind", "name", "uid"] as const) {
      if ((owner[field] ?? "") === "") yield emptyOwnerField(at(ownerPath, field));
    }
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  if (controllers.length > 1) {
    const names = controllers.slice(0, 2).map((owner) => `${owner.kind}/${owner.name}`);
    const detail = "Only one reference can have Controller set to true. Found";
    yield invalid(path, owners, `${detail} "true" in references for ${names.join(" and ")}`);
  }
}

function emptyOwnerField(path: string): FieldError {
  return invalid(path, "", "must not be empty");
}
