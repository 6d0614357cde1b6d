import type { Container, EnvFromSource, EnvVar, EnvVarSource } from "../../api/core-v1.gen.ts";
import { ContainerStartError } from "../container-start-error.ts";
import type { NodePod } from "../node-pod.ts";
import { podFieldValue, type PodSurroundings, resourceFieldValue } from "./downward-api.ts";
import { expandVariables } from "./expansion.ts";
import type { ObjectReader } from "./object-reader.ts";

export interface EnvironmentRequest {
  readonly pod: NodePod;
  readonly container: Container;
  readonly around: PodSurroundings;
  readonly objects: ObjectReader;
}

export interface Environment {
  readonly variables: ReadonlyMap<string, string>;
  /** For each source of `envFrom` with keys that are no variable names: which were left out. */
  readonly skipped: readonly { readonly source: string; readonly keys: readonly string[] }[];
}

/**
 * Returns a container's variables: `envFrom` in order, then `env` in order over them, with `$(NAME)` resolved against what came before.
 * Throws `ContainerStartError` with code `CreateContainerConfigError` where something needed is absent.
 */
export async function makeEnvironment(request: EnvironmentRequest): Promise<Environment> {
  const variables = new Map<string, string>();
  const skipped: { source: string; keys: readonly string[] }[] = [];
  for (const source of request.container.envFrom ?? []) {
    const { name, data } = await readEnvFrom(source, request);
    const entries = Object.entries(data).map(([key, value]) => [`${source.prefix ?? ""}${key}`, value] as const);
    const invalid = entries.filter(([key]) => !isVariableName(key)).map(([key]) => key);
    if (invalid.length > 0) skipped.push({ source: name, keys: invalid.toSorted() });
    for (const [key, value] of entries) if (isVariableName(key)) variables.set(key, value);
  }
  for (const variable of request.container.env ?? []) {
    const value = await valueOf(variable, variables, request);
    if (value !== undefined) variables.set(variable.name, value);
  }
  return { variables, skipped };
}

/** Any printable ASCII but `=`. */
function isVariableName(name: string): boolean {
  return /^[ -<>-~]+$/.test(name);
}

async function valueOf(
  variable: EnvVar,
  earlier: ReadonlyMap<string, string>,
  request: EnvironmentRequest,
): Promise<string | undefined> {
  // An empty value falls through to valueFrom.
  if (variable.value !== undefined && variable.value !== "") {
    return expandVariables(variable.value, (name) => earlier.get(name));
  }
  return variable.valueFrom === undefined ? "" : await resolveSource(variable.valueFrom, request);
}

async function resolveSource(source: EnvVarSource, request: EnvironmentRequest): Promise<string | undefined> {
  const { configMapKeyRef, secretKeyRef, fieldRef, resourceFieldRef } = source;
  if (fieldRef !== undefined) return checked(() => podFieldValue(fieldRef, request.pod, request.around));
  if (resourceFieldRef !== undefined) {
    const named = containerOf(request, resourceFieldRef.containerName);
    return checked(() => resourceFieldValue(resourceFieldRef, named, request.around.allocatable));
  }
  if (configMapKeyRef !== undefined) {
    const data = await readConfigMap(request, configMapKeyRef.name, configMapKeyRef.optional);
    return data === undefined ? undefined : keyOf(data, { ...configMapKeyRef, kind: "ConfigMap" }, request);
  }
  if (secretKeyRef !== undefined) {
    const data = await readSecret(request, secretKeyRef.name, secretKeyRef.optional);
    return data === undefined ? undefined : keyOf(data, { ...secretKeyRef, kind: "Secret" }, request);
  }
  throw configError("env has a valueFrom of a kind that this kubelet does not know");
}

function containerOf({ pod, container }: EnvironmentRequest, name: string | undefined): Container {
  if (name === undefined || name === "") return container;
  const named = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((other) => other.name === name);
  if (named === undefined) throw configError(`container ${name} not found`);
  return named;
}

async function readEnvFrom(
  { configMapRef, secretRef }: EnvFromSource,
  request: EnvironmentRequest,
): Promise<{ readonly name: string; readonly data: Data }> {
  const { namespace } = request.pod;
  if (configMapRef !== undefined) {
    const data = await readConfigMap(request, configMapRef.name, configMapRef.optional);
    return { name: `configMap ${namespace}/${configMapRef.name}`, data: data ?? {} };
  }
  const data = await readSecret(request, secretRef?.name, secretRef?.optional);
  return { name: `secret ${namespace}/${secretRef?.name}`, data: data ?? {} };
}

type Data = Readonly<Record<string, string>>;

async function readConfigMap(
  { pod, objects }: EnvironmentRequest,
  name = "",
  optional = false,
): Promise<Data | undefined> {
  const object = await reading(objects.configMap(pod.namespace, name));
  if (object !== undefined) return object.data ?? {};
  if (optional) return undefined;
  throw configError(`configmap "${name}" not found`);
}

async function readSecret(
  { pod, objects }: EnvironmentRequest,
  name = "",
  optional = false,
): Promise<Data | undefined> {
  const object = await reading(objects.secret(pod.namespace, name));
  if (object === undefined) {
    if (optional) return undefined;
    throw configError(`secret "${name}" not found`);
  }
  const entries = Object.entries(object.data ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]));
}

interface KeyReference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name?: string | undefined;
  readonly key: string;
  readonly optional?: boolean | undefined;
}

function keyOf(
  data: Data,
  { kind, name, key, optional }: KeyReference,
  { pod }: EnvironmentRequest,
): string | undefined {
  if (Object.hasOwn(data, key)) return data[key];
  if (optional === true) return undefined;
  throw configError(`couldn't find key ${key} in ${kind} ${pod.namespace}/${name}`);
}

async function reading<T>(object: Promise<T>): Promise<T> {
  try {
    return await object;
  } catch (error) {
    throw configError(error instanceof Error ? error.message : String(error), error);
  }
}

function checked(read: () => string): string {
  try {
    return read();
  } catch (error) {
    throw configError(error instanceof Error ? error.message : String(error), error);
  }
}

function configError(message: string, cause?: unknown): ContainerStartError {
  return new ContainerStartError("CreateContainerConfigError", message, { cause, eventDetail: message });
}
