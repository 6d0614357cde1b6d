import type { APIGroupList, APIResourceList } from "../../api/meta-v1.gen.ts";
import type { RestClient } from "../../client/rest-client.ts";

/** A kind of object that namespaces hold. */
export interface NamespacedResource {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Whether all of a namespace can be deleted by one request. */
  readonly hasDeleteCollection: boolean;
}

/** Returns every resource that lives in namespaces and can be listed and deleted, of each group's preferred version. */
export async function discoverNamespacedResources(
  client: RestClient,
  signal: AbortSignal,
): Promise<readonly NamespacedResource[]> {
  const { groups } = (await client.raw("GET", "/apis", undefined, { signal })) as APIGroupList;
  const named = groups.flatMap((group) => {
    const version = (group.preferredVersion ?? group.versions[0])?.version;
    return version === undefined ? [] : [{ group: group.name, version }];
  });
  const lists = [{ group: "", version: "v1" }, ...named].map(async ({ group, version }) => {
    const path = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
    const list = (await client.raw("GET", path, undefined, { signal })) as APIResourceList;
    return list.resources.filter(isDeletableContent).map(({ name, verbs }) => {
      return { group, version, plural: name, hasDeleteCollection: verbs.includes("deletecollection") };
    });
  });
  return (await Promise.all(lists)).flat();
}

function isDeletableContent(resource: APIResourceList["resources"][number]): boolean {
  const isSubresource = resource.name.includes("/");
  return resource.namespaced && !isSubresource && ["list", "delete"].every((verb) => resource.verbs.includes(verb));
}
