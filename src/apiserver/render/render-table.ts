import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ListMeta, Table } from "../../api/meta-v1.gen.ts";
import type { ResourceType } from "../../api/resource-types.ts";
import { toTable } from "../../api/table.ts";
import type { Representation } from "./representation.ts";

/** What a table shows. */
export interface TableContent {
  readonly objects: readonly { readonly object: KubernetesObject }[];
  readonly metadata: ListMeta;
  /** Whether the client has the columns already. */
  readonly withoutHeaders?: boolean;
}

/** Returns objects as the table that kubectl prints. */
export function renderTable(
  type: ResourceType,
  { objects, metadata, withoutHeaders = false }: TableContent,
  { apiVersion, includeObject }: Representation & { readonly kind: "table" },
): Table {
  const table = toTable(type.kind, {
    objects: objects.map(({ object }) => object),
    metadata,
    includeObject,
    withoutHeaders,
  });
  return { ...table, apiVersion };
}
