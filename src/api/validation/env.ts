import type { EnvFromSource, EnvVar, EnvVarSource, ObjectFieldSelector } from "../core-v1.gen.ts";
import { at, atIndex, invalid, required } from "../field-error.ts";
import { checkRequiredText, checkText, type FieldErrors } from "./checks.ts";
import { configMapKeyFaults, dnsSubdomainFaults, envVarNameFaults, labelKeyFaults } from "./names.ts";

/** Checks a container's `env`. */
export function* validateEnv(env: readonly EnvVar[], path: string): FieldErrors {
  for (const [index, variable] of env.entries()) {
    const variablePath = atIndex(path, index);
    yield* checkRequiredText(at(variablePath, "name"), variable.name, envVarNameFaults);
    if (variable.valueFrom !== undefined)
      yield* validateSource(variable, variable.valueFrom, at(variablePath, "valueFrom"));
  }
}

/** Checks a container's `envFrom`. */
export function* validateEnvFrom(sources: readonly EnvFromSource[], path: string): FieldErrors {
  for (const [index, source] of sources.entries()) {
    const sourcePath = atIndex(path, index);
    if ((source.prefix ?? "") !== "") yield* checkText(at(sourcePath, "prefix"), source.prefix ?? "", envVarNameFaults);
    if (source.configMapRef !== undefined) {
      yield* checkRequiredText(at(sourcePath, "configMapRef", "name"), source.configMapRef.name, dnsSubdomainFaults);
    }
    if (source.secretRef !== undefined) {
      yield* checkRequiredText(at(sourcePath, "secretRef", "name"), source.secretRef.name, dnsSubdomainFaults);
    }
    const count = Number(source.configMapRef !== undefined) + Number(source.secretRef !== undefined);
    if (count === 0) yield invalid(sourcePath, "", "must specify one of: `configMapRef` or `secretRef`");
    if (count > 1) yield invalid(sourcePath, "", "may not have more than one field specified at a time");
  }
}

/** Checks which field of the pod a `fieldRef` names. */
export function* validateFieldRef(
  fieldRef: ObjectFieldSelector,
  path: string,
  supported: ReadonlySet<string>,
): FieldErrors {
  const { fieldPath } = fieldRef;
  if (fieldPath === "") {
    yield required(at(path, "fieldPath"));
    return;
  }
  const subscript = /^(metadata\.(?:labels|annotations))\['(.*)'\]$/.exec(fieldPath);
  if (subscript?.[2] !== undefined) {
    for (const fault of labelKeyFaults(subscript[2].toLowerCase())) yield invalid(path, subscript[2], fault);
  } else if (!supported.has(fieldPath)) {
    yield invalid(
      at(path, "fieldPath"),
      fieldPath,
      `error converting fieldPath: field label not supported: ${fieldPath}`,
    );
  }
}

/** The fields of a pod that an environment variable can hold. */
const ENV_FIELDS: ReadonlySet<string> = new Set([
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
]);

const ENV_SOURCES = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;

function* validateSource(variable: EnvVar, source: EnvVarSource, path: string): FieldErrors {
  const given = ENV_SOURCES.filter((name) => source[name] !== undefined);
  if (source.fieldRef !== undefined) yield* validateFieldRef(source.fieldRef, at(path, "fieldRef"), ENV_FIELDS);
  if (source.resourceFieldRef !== undefined) {
    yield* checkRequiredText(at(path, "resourceFieldRef", "resource"), source.resourceFieldRef.resource);
  }
  for (const name of ["configMapKeyRef", "secretKeyRef"] as const) {
    const selector = source[name];
    if (selector === undefined) continue;
    yield* checkRequiredText(at(path, name, "name"), selector.name);
    yield* checkRequiredText(at(path, name, "key"), selector.key, configMapKeyFaults);
  }
  if (given.length === 0) {
    const list = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `fileKeyRef` or `secretKeyRef`";
    yield invalid(path, "", `must specify one of: ${list}`);
  } else if ((variable.value ?? "") !== "") {
    yield invalid(path, "", "may not be specified when `value` is not empty");
  } else if (given.length > 1) {
    yield invalid(path, "", "may not have more than one field specified at a time");
  }
}
