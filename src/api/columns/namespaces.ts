import type { Namespace } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of namespaces. */
export const NAMESPACE_COLUMNS: KindColumns<Namespace> = {
  columns: [NAME_COLUMN, column("Status", "The status of the namespace"), AGE_COLUMN],
  cells: (namespace, now) => [nameCell(namespace), namespace.status?.phase ?? "", ageCell(namespace, now)],
};
