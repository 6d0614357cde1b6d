import { ageText } from "../human-duration.ts";
import type { KubernetesObject } from "../kubernetes-object.ts";
import type { TableColumnDefinition, TableRowCondition } from "../meta-v1.gen.ts";

/** How `kubectl get` shows the objects of a kind. */
export interface KindColumns<T = KubernetesObject> {
  readonly columns: readonly TableColumnDefinition[];
  /** Returns one cell for each column; `now` is in milliseconds. */
  cells(object: T, now: number): readonly (string | number)[];
  /** Conditions of a row, which kubectl may hide rows by. */
  conditions?(object: T): readonly TableRowCondition[];
}

/** Returns a column; those of priority 1 show with `-o wide` alone. */
export function column(
  name: string,
  description: string,
  options: Partial<TableColumnDefinition> = {},
): TableColumnDefinition {
  return { name, type: "string", format: "", description, priority: 0, ...options };
}

/** The column of every kind's name. */
export const NAME_COLUMN: TableColumnDefinition = column(
  "Name",
  "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.",
  { format: "name" },
);

/** The column of every kind's age. */
export const AGE_COLUMN: TableColumnDefinition = column(
  "Age",
  "CreationTimestamp is a timestamp representing the server time when this object was created.",
);

/** Returns the cell of the name column. */
export function nameCell(object: KubernetesObject): string {
  return object.metadata?.name ?? "";
}

/** Returns the cell of the age column. */
export function ageCell(object: KubernetesObject, now: number): string {
  return ageText(object.metadata?.creationTimestamp, now);
}
