import type { ListMeta, ObjectMeta } from "./meta-v1.gen.ts";

/** What every object of the API has. */
export interface KubernetesObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** A list of objects at one resource version, as the API returns it. */
export interface ListOf<T> {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ListMeta;
  items: T[];
}
