import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import type { ApiResponse } from "../http/api-response.ts";
import type { ApiRequest } from "../http/api-request.ts";
import type { ResourceTarget, Verb } from "../http/request-target.ts";
import type { ApiContext } from "../api-context.ts";
import type { ServedVersion } from "./served-version.ts";

/** Everything the server knows about one kind: serving it needs nothing else. */
export interface ResourceDefinition<T extends KubernetesObject = KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly strategy: ResourceStrategy<T>;
  /** Whether `status` is written apart from the rest. */
  readonly hasStatus?: boolean;
  readonly subresources?: readonly SubresourceDefinition[];
  /** Other groups and versions in which the same objects are served. */
  readonly otherVersions?: readonly ServedVersion<T>[];
  /** Names of the fields that can be selected by, besides `metadata.name` and `metadata.namespace`. */
  readonly selectableFields?: Readonly<Record<string, FieldReader<T>>>;
  /** Objects end so long after their last change. */
  readonly ttlSeconds?: number;
}

/** Reads one field of an object as text. */
export type FieldReader<T extends KubernetesObject> = { read(object: T): string | undefined }["read"];

/** What is special about a kind when it is written. The objects handed to it are its own to change. */
export interface ResourceStrategy<T extends KubernetesObject = KubernetesObject> {
  /** Whether an update of an object that does not exist creates it. */
  readonly allowsCreateOnUpdate?: boolean;
  /** Whether an update may leave the resource version out; true by default. */
  readonly allowsUnconditionalUpdate?: boolean;
  prepareForCreate?(object: T): void;
  /** Texts that whoever writes the object is to read. */
  warnings?(object: T): readonly string[];
  /** Keeps what an update of the main resource may not touch. */
  prepareForUpdate?(object: T, old: T): void;
  /** Keeps what an update of the status may not touch. */
  prepareForStatusUpdate?(object: T, old: T): void;
  /** Seconds an object lives on once deleted; undefined where it has nothing to end. `requested` is what the client wants. */
  gracePeriodSeconds?(object: T, requested: number | undefined): number | undefined;
  /** Changes an object that stays, being deleted. */
  markDeleted?(object: T): void;
  /** Whether something but `metadata.finalizers` keeps a deleted object. */
  isHeld?(object: T): boolean;
  /** Whether a deletion answers with the object rather than with a Status. */
  readonly returnsDeletedObject?: boolean;
}

/** A path below an object that is served on its own. */
export interface SubresourceDefinition {
  /** As in `binding`. */
  readonly name: string;
  /** The kind that goes over the wire. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly verbs: readonly Verb[];
  handle(call: SubresourceCall): Promise<ApiResponse>;
}

/** A request for a subresource. */
export interface SubresourceCall {
  readonly context: ApiContext;
  readonly request: ApiRequest;
  readonly target: NamedTarget;
}

/** A target that names an object. */
export type NamedTarget = ResourceTarget & { readonly name: string };

/** What discovery and OpenAPI tell of a kind. */
export type DiscoverableKind = Pick<ResourceDefinition, "type" | "hasStatus" | "subresources"> & {
  /** `RESOURCE_VERBS` by default. */
  readonly verbs?: readonly Verb[];
};

/** Returns a kind under every group and version in which it is served. */
export function discoverableKinds(definition: ResourceDefinition): DiscoverableKind[] {
  return [definition, ...(definition.otherVersions ?? []).map(({ type }) => ({ type }))];
}

/** The verbs that every stored kind has. */
export const RESOURCE_VERBS: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** The verbs of a subresource that shares the object with its parent, such as `status`. */
export const VIEW_VERBS: readonly Verb[] = ["get", "patch", "update"];

/** Returns the values by which an object can be selected. */
export function selectableFieldsOf(
  { selectableFields = {} }: ResourceDefinition,
  object: KubernetesObject,
): Readonly<Record<string, string>> {
  const { name = "", namespace = "" } = object.metadata ?? {};
  const fields: Record<string, string> = { "metadata.name": name, "metadata.namespace": namespace };
  for (const [field, valueOf] of Object.entries(selectableFields)) fields[field] = valueOf(object) ?? "";
  return fields;
}
