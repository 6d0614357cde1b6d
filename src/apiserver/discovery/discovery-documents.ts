import type {
  APIGroupDiscovery,
  APIResourceDiscovery,
  APISubresourceDiscovery,
} from "../../api/apidiscovery-v2.gen.ts";
import type { APIGroup, APIResource } from "../../api/meta-v1.gen.ts";
import { apiVersionOf } from "../../api/resource-types.ts";
import { type DiscoverableKind, RESOURCE_VERBS, VIEW_VERBS } from "../resources/resource-definition.ts";

/** The core group has no name and its own path, `/api`. */
export const CORE_GROUP = "";

/** Returns the groups of some kinds, the core group first. */
export function groupsOf(definitions: readonly DiscoverableKind[]): readonly string[] {
  return [...new Set(definitions.map(({ type }) => type.group))].sort();
}

/** Returns aggregated discovery: everything below one path in one answer (`apidiscovery.k8s.io`). */
export function aggregatedDiscovery(
  definitions: readonly DiscoverableKind[],
  groups: readonly string[],
  version: string,
) {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: groups.map((group): APIGroupDiscovery => ({
      metadata: { ...(group === CORE_GROUP ? {} : { name: group }), creationTimestamp: undefined },
      versions: versionsOf(definitions, group).map((groupVersion) => ({
        version: groupVersion,
        resources: resourcesOf(definitions, group, groupVersion).map(resourceDiscovery),
        freshness: "Current",
      })),
    })),
  };
}

/** Returns the versions of the core group, as `/api` lists them. */
export function coreVersions(definitions: readonly DiscoverableKind[], serverAddress: string) {
  return {
    kind: "APIVersions",
    versions: versionsOf(definitions, CORE_GROUP),
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** Returns the named groups, as `/apis` lists them. */
export function groupList(definitions: readonly DiscoverableKind[]) {
  const groups = groupsOf(definitions).filter((group) => group !== CORE_GROUP);
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map((group) => groupDocument(definitions, group)) };
}

/** Returns one group's versions, as `/apis/GROUP` lists them. */
export function groupDocument(definitions: readonly DiscoverableKind[], group: string): APIGroup {
  const versions = versionsOf(definitions, group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return {
    kind: "APIGroup",
    apiVersion: "v1",
    name: group,
    versions,
    ...(versions[0] === undefined ? {} : { preferredVersion: versions[0] }),
  };
}

/** Returns the resources of a group-version, as `/api/v1` and `/apis/GROUP/VERSION` list them. */
export function resourceList(definitions: readonly DiscoverableKind[], group: string, version: string) {
  const resources = resourcesOf(definitions, group, version).flatMap(apiResources);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: apiVersionOf({ group, version }),
    resources,
  };
}

function versionsOf(definitions: readonly DiscoverableKind[], group: string): string[] {
  return [...new Set(definitions.filter(({ type }) => type.group === group).map(({ type }) => type.version))];
}

function resourcesOf(definitions: readonly DiscoverableKind[], group: string, version: string): DiscoverableKind[] {
  return definitions.filter(({ type }) => type.group === group && type.version === version);
}

function apiResources(definition: DiscoverableKind): APIResource[] {
  const { type, hasStatus, subresources = [], verbs = RESOURCE_VERBS } = definition;
  const { kind, namespaced, plural, singular, shortNames, categories } = type;
  const common = { singularName: "", namespaced };
  return [
    {
      name: plural,
      singularName: singular,
      namespaced,
      kind,
      verbs: [...verbs],
      ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
      ...(categories.length === 0 ? {} : { categories: [...categories] }),
    },
    ...subresources.map((subresource): APIResource => ({
      ...common,
      name: `${plural}/${subresource.name}`,
      kind: subresource.kind.kind,
      verbs: [...subresource.verbs],
    })),
    ...(hasStatus === true ? [{ ...common, name: `${plural}/status`, kind, verbs: [...VIEW_VERBS] }] : []),
  ];
}

function resourceDiscovery({
  type,
  hasStatus,
  subresources = [],
  verbs = RESOURCE_VERBS,
}: DiscoverableKind): APIResourceDiscovery {
  const { group, version, kind, shortNames, categories } = type;
  const responseKind = { group, version, kind };
  const status: APISubresourceDiscovery = { subresource: "status", responseKind, verbs: [...VIEW_VERBS] };
  const views = [
    ...subresources.map((view) => ({ subresource: view.name, responseKind: view.kind, verbs: [...view.verbs] })),
    ...(hasStatus === true ? [status] : []),
  ];
  return {
    resource: type.plural,
    responseKind,
    scope: type.namespaced ? "Namespaced" : "Cluster",
    singularResource: type.singular,
    verbs: [...verbs],
    ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
    ...(categories.length === 0 ? {} : { categories: [...categories] }),
    ...(views.length === 0 ? {} : { subresources: views }),
  };
}
