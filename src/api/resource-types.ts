import type { Lease } from "./coordination-v1.gen.ts";
import type { ConfigMap, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount } from "./core-v1.gen.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";

/** A resource as discovery lists it. `T` is the type of its objects; no value holds it. */
export interface ResourceType<T = KubernetesObject> {
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The name in paths, as in `pods`. */
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly categories: readonly string[];
  /** Carries `T` for the compiler; always absent. */
  readonly objectType?: T;
}

export const PODS: ResourceType<Pod> = core("Pod", { shortNames: ["po"], categories: ["all"] });
export const NODES: ResourceType<Node> = core("Node", { shortNames: ["no"], namespaced: false });
export const NAMESPACES: ResourceType<Namespace> = core("Namespace", { shortNames: ["ns"], namespaced: false });
export const SECRETS: ResourceType<Secret> = core("Secret", {});
export const CONFIG_MAPS: ResourceType<ConfigMap> = core("ConfigMap", { shortNames: ["cm"] });
export const SERVICE_ACCOUNTS: ResourceType<ServiceAccount> = core("ServiceAccount", { shortNames: ["sa"] });
export const EVENTS: ResourceType<Event> = core("Event", { shortNames: ["ev"] });
export const SERVICES: ResourceType<Service> = core("Service", { shortNames: ["svc"], categories: ["all"] });
export const LEASES: ResourceType<Lease> = { ...core("Lease", {}), group: "coordination.k8s.io" };

/** Returns the `apiVersion` that objects of a resource carry, as in `v1` and `coordination.k8s.io/v1`. */
export function apiVersionOf(resource: Pick<ResourceType, "group" | "version">): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}

/** Which object of a resource a path means; without `name` the collection, without `namespace` all namespaces. */
export interface ApiPathOptions {
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  /** As in `status` and `log`. */
  readonly subresource?: string | undefined;
}

/** Returns the path of a resource on the API server, each segment percent-encoded. */
export function apiPath(resource: ResourceType<unknown>, options: ApiPathOptions = {}): string {
  const root = resource.group === "" ? ["api"] : ["apis", resource.group];
  const scope = resource.namespaced && options.namespace !== undefined ? ["namespaces", options.namespace] : [];
  const object = options.name === undefined ? [] : [options.name];
  const subresource = options.subresource === undefined ? [] : options.subresource.split("/");
  const segments = [...root, resource.version, ...scope, resource.plural, ...object, ...subresource];
  return `/${segments.map(encodeURIComponent).join("/")}`;
}

interface ResourceOptions {
  readonly shortNames?: readonly string[];
  readonly namespaced?: boolean;
  readonly categories?: readonly string[];
}

function core(kind: string, options: ResourceOptions): Omit<ResourceType, "objectType"> {
  const singular = kind.toLowerCase();
  return {
    group: "",
    version: "v1",
    kind,
    plural: `${singular}s`,
    singular,
    shortNames: options.shortNames ?? [],
    namespaced: options.namespaced ?? true,
    categories: options.categories ?? [],
  };
}
