import type { ResourceType } from "../../api/resource-types.ts";
import { unknownPathStatus } from "../../api/status.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Stores } from "../store/stores.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import type { ServedVersion } from "./served-version.ts";

/** A kind and where its objects are. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly store: ResourceStore;
  /** Absent where the kind is asked for in its own group and version. */
  readonly version?: ServedVersion;
}

/** All served kinds by their names in paths. */
export class ResourceCatalog {
  readonly definitions: readonly ResourceDefinition[];
  readonly #served: ReadonlyMap<string, ServedResource>;

  /** Makes a store in `stores` for each kind. */
  constructor(definitions: readonly ResourceDefinition[], stores: Stores) {
    this.definitions = definitions;
    this.#served = new Map(
      definitions.flatMap((definition) => {
        const { type, ttlSeconds, otherVersions = [] } = definition;
        const served: ServedResource = { definition, store: stores.add(type, ttlSeconds) };
        const others = otherVersions.map((version) => [keyOf(version.type), { ...served, version }] as const);
        return [[keyOf(type), served] as const, ...others];
      }),
    );
  }

  /** Returns a kind. Throws `StatusError` with code `NotFound`. */
  find(group: string, version: string, plural: string): ServedResource {
    const served = this.#served.get(keyOf({ group, version, plural }));
    if (served === undefined) throw unknownPathStatus();
    return served;
  }
}

function keyOf({ group, version, plural }: Pick<ResourceType, "group" | "version" | "plural">): string {
  return `${group}/${version}/${plural}`;
}
