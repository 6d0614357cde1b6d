import type {
  ConfigMap,
  ConfigMapProjection,
  Container,
  DownwardAPIVolumeFile,
  KeyToPath,
  Secret,
  SecretProjection,
  VolumeProjection,
} from "../../api/core-v1.gen.ts";
import { podFieldValue, type PodSurroundings, resourceFieldValue } from "../container/downward-api.ts";
import type { ObjectReader } from "../container/object-reader.ts";
import type { NodePod } from "../node-pod.ts";
import { checkedPath, type Payload, type PayloadFile, type ProjectionRules, projectKeys } from "./payload.ts";

export interface PayloadRequest {
  readonly pod: NodePod;
  readonly objects: ObjectReader;
  readonly around: PodSurroundings;
  readonly defaultMode: number;
}

interface ObjectSource {
  readonly name?: string | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
}

/** Returns the files a ConfigMap becomes. Throws where it is absent and not optional. */
export async function configMapPayload(source: ObjectSource, request: PayloadRequest): Promise<Payload> {
  const { name = "", optional = false } = source;
  const object = await request.objects.configMap(request.pod.namespace, name);
  if (object === undefined && !optional) throw new RangeError(`configmap "${name}" not found`);
  return projectKeys(configMapData(object), rulesOf(source, request, `ConfigMap ${request.pod.namespace}/${name}`));
}

/** Returns the files a Secret becomes. Throws where it is absent and not optional. */
export async function secretPayload(source: ObjectSource, request: PayloadRequest): Promise<Payload> {
  const { name = "", optional = false } = source;
  const object = await request.objects.secret(request.pod.namespace, name);
  if (object === undefined && !optional) throw new RangeError(`secret "${name}" not found`);
  return projectKeys(secretData(object), rulesOf(source, request, `Secret ${request.pod.namespace}/${name}`));
}

/** Returns the files that fields of the pod become. */
export function downwardPayload(items: readonly DownwardAPIVolumeFile[], request: PayloadRequest): Payload {
  return new Map(items.map((item) => [checkedPath(item.path), downwardFile(item, request)]));
}

/** Returns the files of several sources together; a later source wins where two have the same path. */
export async function projectedPayload(
  sources: readonly VolumeProjection[],
  request: PayloadRequest,
): Promise<Payload> {
  const payloads = await Promise.all(sources.map((source) => projectionPayload(source, request)));
  return new Map(payloads.flatMap((payload) => [...payload]));
}

async function projectionPayload(source: VolumeProjection, request: PayloadRequest): Promise<Payload> {
  const { configMap, secret, downwardAPI } = source;
  if (configMap !== undefined) return await configMapPayload(configMap satisfies ConfigMapProjection, request);
  if (secret !== undefined) return await secretPayload(secret satisfies SecretProjection, request);
  if (downwardAPI !== undefined) return downwardPayload(downwardAPI.items ?? [], request);
  throw new RangeError(`projected source "${Object.keys(source).join(", ")}" is not supported by this kubelet`);
}

function downwardFile(
  { fieldRef, resourceFieldRef, mode }: DownwardAPIVolumeFile,
  request: PayloadRequest,
): PayloadFile {
  const { pod, around, defaultMode } = request;
  let text = "";
  if (fieldRef !== undefined) text = podFieldValue(fieldRef, pod, around);
  else if (resourceFieldRef !== undefined) {
    const container = containerNamed(pod, resourceFieldRef.containerName ?? "");
    text = resourceFieldValue(resourceFieldRef, container, around.allocatable);
  }
  return { content: Buffer.from(text), mode: mode ?? defaultMode };
}

function containerNamed({ spec }: NodePod, name: string): Container {
  const found = [...spec.containers, ...(spec.initContainers ?? [])].find((container) => container.name === name);
  if (found === undefined) throw new RangeError(`container ${name} not found`);
  return found;
}

function rulesOf({ items, optional }: ObjectSource, { defaultMode }: PayloadRequest, subject: string): ProjectionRules {
  return { items, optional: optional ?? false, defaultMode, subject };
}

function configMapData(object: ConfigMap | undefined): ReadonlyMap<string, Uint8Array> {
  const texts = Object.entries(object?.data ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const);
  const bytes = Object.entries(object?.binaryData ?? {}).map(
    ([key, data]) => [key, Buffer.from(data, "base64")] as const,
  );
  return new Map([...texts, ...bytes]);
}

function secretData(object: Secret | undefined): ReadonlyMap<string, Uint8Array> {
  return new Map(Object.entries(object?.data ?? {}).map(([key, data]) => [key, Buffer.from(data, "base64")]));
}
