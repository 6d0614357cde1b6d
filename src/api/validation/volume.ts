import type { KeyToPath, ProjectedVolumeSource, Volume } from "../core-v1.gen.ts";
import { at, atIndex, duplicate, type FieldError, forbidden, invalid, required } from "../field-error.ts";
import { parseQuantity } from "../quantity.ts";
import { checkOptionalChoice, checkRequiredText, type FieldErrors } from "./checks.ts";
import { validateFieldRef } from "./env.ts";
import { dnsLabelFaults } from "./names.ts";
import { descendingPathFaults } from "./security-context.ts";

/** Checks the volumes of a pod. */
export function* validateVolumes(volumes: readonly Volume[], path: string): FieldErrors {
  const names = new Set<string>();
  for (const [index, volume] of volumes.entries()) {
    const volumePath = atIndex(path, index);
    yield* validateSource(volume, volumePath);
    yield* checkRequiredText(at(volumePath, "name"), volume.name, dnsLabelFaults);
    if (names.has(volume.name)) yield duplicate(at(volumePath, "name"), volume.name);
    names.add(volume.name);
  }
}

/** The policies that decide when an image is pulled. */
export const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

function* validateSource(volume: Volume, path: string): FieldErrors {
  const given = Object.entries(volume)
    .filter(([key, value]) => key !== "name" && value !== undefined)
    .map(([key]) => key);
  if (given.length === 0) yield required(path, "must specify a volume type");
  for (const extra of given.slice(1)) yield forbidden(at(path, extra), "may not specify more than 1 volume type");
  yield* validateHostPath(volume.hostPath, at(path, "hostPath"));
  yield* validateEmptyDir(volume.emptyDir, at(path, "emptyDir"));
  yield* validateFiles(volume.secret, at(path, "secret"), "secretName");
  yield* validateFiles(volume.configMap, at(path, "configMap"), "name");
  yield* validateDownward(volume.downwardAPI, at(path, "downwardAPI"));
  if (volume.projected !== undefined) yield* validateProjected(volume.projected, at(path, "projected"));
  yield* validateImage(volume.image, at(path, "image"));
  yield* validateRequiredTexts(volume, path);
}

/** The texts that other sources cannot do without. */
const REQUIRED_TEXTS = {
  awsElasticBlockStore: ["volumeID"],
  csi: ["driver"],
  flexVolume: ["driver"],
  gcePersistentDisk: ["pdName"],
  glusterfs: ["endpoints", "path"],
  iscsi: ["targetPortal", "iqn"],
  nfs: ["server", "path"],
  persistentVolumeClaim: ["claimName"],
  vsphereVolume: ["volumePath"],
} as const satisfies Partial<Record<keyof Volume, readonly string[]>>;

function* validateRequiredTexts(volume: Volume, path: string): FieldErrors {
  for (const [source, fields] of Object.entries(REQUIRED_TEXTS)) {
    const value: unknown = volume[source as keyof typeof REQUIRED_TEXTS];
    if (value === undefined) continue;
    for (const field of fields) {
      const text: unknown = Reflect.get(value as object, field);
      yield* checkRequiredText(at(path, source, field), typeof text === "string" ? text : undefined);
    }
  }
  const nfsPath = volume.nfs?.path ?? "/";
  if (!nfsPath.startsWith("/")) yield invalid(at(path, "nfs", "path"), nfsPath, "must be an absolute path");
}

function* validateHostPath(source: Volume["hostPath"], path: string): FieldErrors {
  if (source === undefined) return;
  if ((source.path ?? "") === "") yield required(at(path, "path"));
  if ((source.path ?? "").split("/").includes(".."))
    yield invalid(at(path, "path"), source.path, "must not contain '..'");
  yield* checkOptionalChoice(at(path, "type"), source.type, HOST_PATH_TYPES);
}

const HOST_PATH_TYPES = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

function* validateEmptyDir(source: Volume["emptyDir"], path: string): FieldErrors {
  if (source?.sizeLimit !== undefined && parseQuantity(source.sizeLimit).nanos < 0n) {
    yield forbidden(at(path, "sizeLimit"), "SizeLimit field must be a valid resource quantity");
  }
}

interface FileSource {
  readonly defaultMode?: number | undefined;
  readonly items?: readonly KeyToPath[] | undefined;
  readonly optional?: boolean | undefined;
  readonly name?: string | undefined;
  readonly secretName?: string | undefined;
}

function* validateFiles(source: FileSource | undefined, path: string, nameField: "name" | "secretName"): FieldErrors {
  if (source === undefined) return;
  yield* checkRequiredText(at(path, nameField), source[nameField]);
  yield* checkMode(source.defaultMode, at(path, "defaultMode"));
  yield* validateItems(source.items, at(path, "items"));
}

function* validateItems(items: readonly KeyToPath[] | undefined, path: string): FieldErrors {
  for (const [index, item] of (items ?? []).entries()) {
    const itemPath = atIndex(path, index);
    yield* checkRequiredText(at(itemPath, "key"), item.key);
    yield* checkLocalPath(item.path, at(itemPath, "path"));
    yield* checkMode(item.mode, at(itemPath, "mode"));
  }
}

function* validateDownward(source: Volume["downwardAPI"], path: string): FieldErrors {
  if (source === undefined) return;
  yield* checkMode(source.defaultMode, at(path, "defaultMode"));
  for (const [index, item] of (source.items ?? []).entries()) {
    const itemPath = atIndex(path, index);
    yield* checkLocalPath(item.path, at(itemPath, "path"));
    if (item.fieldRef !== undefined) yield* validateFieldRef(item.fieldRef, at(itemPath, "fieldRef"), DOWNWARD_FIELDS);
    else if (item.resourceFieldRef === undefined) {
      yield required(at(itemPath, "fieldRef"), "one of fieldRef and resourceFieldRef is required");
    }
  }
}

const DOWNWARD_FIELDS: ReadonlySet<string> = new Set([
  "metadata.name",
  "metadata.namespace",
  "metadata.labels",
  "metadata.annotations",
  "metadata.uid",
]);

function* validateProjected(source: ProjectedVolumeSource, path: string): FieldErrors {
  yield* checkMode(source.defaultMode, at(path, "defaultMode"));
  for (const [index, part] of (source.sources ?? []).entries()) {
    const partPath = atIndex(at(path, "sources"), index);
    const given = Object.entries(part).filter(([, value]) => value !== undefined);
    if (given.length === 0) yield required(partPath, "must specify a projected volume source");
    for (const [extra] of given.slice(1))
      yield forbidden(at(partPath, extra), "may not specify more than 1 volume type");
    yield* validateFiles(part.secret, at(partPath, "secret"), "name");
    yield* validateFiles(part.configMap, at(partPath, "configMap"), "name");
    yield* validateDownward(part.downwardAPI, at(partPath, "downwardAPI"));
    yield* validateToken(part.serviceAccountToken, at(partPath, "serviceAccountToken"));
  }
}

type Token = NonNullable<NonNullable<ProjectedVolumeSource["sources"]>[number]["serviceAccountToken"]>;

function* validateToken(token: Token | undefined, path: string): FieldErrors {
  if (token === undefined) return;
  const { expirationSeconds = 3600 } = token;
  if (expirationSeconds < 600) {
    yield invalid(at(path, "expirationSeconds"), expirationSeconds, "may not specify a duration less than 10 minutes");
  }
  if (expirationSeconds > 2 ** 32) {
    yield invalid(
      at(path, "expirationSeconds"),
      expirationSeconds,
      "may not specify a duration larger than 2^32 seconds",
    );
  }
  yield* checkLocalPath(token.path, at(path, "path"));
}

function* validateImage(source: Volume["image"], path: string): FieldErrors {
  if (source === undefined) return;
  yield* checkRequiredText(at(path, "reference"), source.reference);
  yield* checkOptionalChoice(at(path, "pullPolicy"), source.pullPolicy, PULL_POLICIES);
}

function* checkLocalPath(value: string | undefined, path: string): FieldErrors {
  if (value === undefined || value === "") yield required(path);
  else {
    for (const fault of descendingPathFaults(value)) yield invalid(path, value, fault);
    if (value.startsWith("..") && !value.split("/").includes(".."))
      yield invalid(path, value, "must not start with '..'");
  }
}

function* checkMode(mode: number | undefined, path: string): Iterable<FieldError> {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) {
    yield invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive");
  }
}
