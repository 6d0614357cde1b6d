import { unknownPathStatus } from "../../api/status.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import type { Stores } from "../store/stores.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** A kind and where its objects are. */
export interface ServedResource {
  readonly definition: ResourceDefinition;
  readonly store: ResourceStore;
}

/** All served kinds by their names in paths. */
export class ResourceCatalog {
  readonly definitions: readonly ResourceDefinition[];
  readonly #served: ReadonlyMap<string, ServedResource>;

  /** Makes a store in `stores` for each kind. */
  constructor(definitions: readonly ResourceDefinition[], stores: Stores) {
    this.definitions = definitions;
    this.#served = new Map(
      definitions.map((definition) => {
        const { type, ttlSeconds } = definition;
        return [`${type.group}/${type.version}/${type.plural}`, { definition, store: stores.add(type, ttlSeconds) }];
      }),
    );
  }

  /** Returns a kind. Throws `StatusError` with code `NotFound`. */
  find(group: string, version: string, plural: string): ServedResource {
    const served = this.#served.get(`${group}/${version}/${plural}`);
    if (served === undefined) throw unknownPathStatus();
    return served;
  }
}
