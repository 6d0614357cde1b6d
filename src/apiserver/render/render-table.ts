import type { KubernetesObject } from "../../api/kubernetes-object.ts";
import type { ListMeta, Table, TableRow } from "../../api/meta-v1.gen.ts";
import { toTable } from "../../api/table.ts";
import type { ServedResource } from "../resources/resource-catalog.ts";
import type { ServedVersion } from "../resources/served-version.ts";
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
  { definition, version }: ServedResource,
  { objects, metadata, withoutHeaders = false }: TableContent,
  { apiVersion, includeObject }: Representation & { readonly kind: "table" },
): Table {
  const table = toTable(definition.type.kind, {
    objects: objects.map(({ object }) => object),
    metadata,
    includeObject,
    withoutHeaders,
  });
  if (version === undefined || includeObject !== "Object") return { ...table, apiVersion };
  const rows = table.rows.map((row, index) => withObject(row, version, objects[index]?.object));
  return { ...table, apiVersion, rows };
}

function withObject(row: TableRow, version: ServedVersion, object: KubernetesObject | undefined): TableRow {
  return object === undefined ? row : { ...row, object: version.fromStored(object) };
}
