import { randomBytes, randomUUID } from "node:crypto";
import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ObjectMeta } from "../../api/meta-v1.gen.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { badRequestStatus, conflictStatus } from "../../api/status.ts";
import type { ResourceTarget } from "../http/request-target.ts";

/** Returns the time as the API writes it: UTC to the second. */
export function timestamp(time = new Date()): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** Returns the metadata of an object, making it where it is missing. */
export function metadataOf(object: KubernetesObject): ObjectMeta {
  object.metadata ??= {};
  return object.metadata;
}

/** Fills in what the server decides about a new object. A name is made up where only its beginning was given. */
export function fillNewMetadata(object: KubernetesObject): void {
  const metadata = metadataOf(object);
  if ((metadata.name ?? "") === "" && (metadata.generateName ?? "") !== "")
    metadata.name = generatedName(metadata.generateName ?? "");
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp();
  delete metadata.resourceVersion;
  delete metadata.selfLink;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.managedFields;
}

/** Keeps what only the server decides about an object that is there already. Throws `Conflict` for another object's uid. */
export function keepSystemMetadata(type: ResourceType, object: KubernetesObject, old: KubernetesObject): void {
  const metadata = metadataOf(object);
  const before = metadataOf(old);
  if (metadata.uid !== undefined && metadata.uid !== before.uid) {
    const reason = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${before.uid}`;
    throw conflictStatus(type, before.name ?? "", reason);
  }
  for (const field of SYSTEM_FIELDS) copyField(metadata, before, field);
  delete metadata.selfLink;
  delete metadata.managedFields;
}

/** Makes the namespace of an object that of its path. Throws `StatusError` with code `BadRequest` where they differ. */
export function matchNamespace(type: ResourceType, object: KubernetesObject, target: ResourceTarget): void {
  const metadata = metadataOf(object);
  const given = metadata.namespace ?? "";
  if (!type.namespaced) {
    // A cluster's own object is in no namespace, whatever it says.
    delete metadata.namespace;
    return;
  }
  if (target.namespace === undefined) throw badRequestStatus("an empty namespace may not be set during creation");
  if (given !== "" && given !== target.namespace) {
    throw badRequestStatus("the namespace of the provided object does not match the namespace sent on the request");
  }
  metadata.namespace = target.namespace;
}

/** Makes the name of an object that of its path. Throws `StatusError` with code `BadRequest` where they differ. */
export function matchName(object: KubernetesObject, name: string): void {
  const metadata = metadataOf(object);
  if (metadata.name !== undefined && metadata.name !== "" && metadata.name !== name) {
    throw badRequestStatus(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  metadata.name = name;
}

const SYSTEM_FIELDS = [
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generateName",
  "generation",
] as const satisfies readonly (keyof ObjectMeta)[];

function copyField(to: ObjectMeta, from: ObjectMeta, field: (typeof SYSTEM_FIELDS)[number]): void {
  if (from[field] === undefined) delete to[field];
  else Object.assign(to, { [field]: from[field] });
}

// Without vowels and look-alikes, so that no words come out.
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
const MAX_NAME_LENGTH = 63;

function generatedName(beginning: string): string {
  const suffix = Array.from(randomBytes(SUFFIX_LENGTH), (byte) => ALPHABET[byte % ALPHABET.length]).join("");
  return beginning.slice(0, MAX_NAME_LENGTH - SUFFIX_LENGTH) + suffix;
}
