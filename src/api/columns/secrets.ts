import type { Secret } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of secrets. */
export const SECRET_COLUMNS: KindColumns<Secret> = {
  columns: [
    NAME_COLUMN,
    column("Type", "Used to facilitate programmatic handling of secret data."),
    column("Data", "The number of keys of the secret.", { type: "integer" }),
    AGE_COLUMN,
  ],
  cells: (secret, now) => [
    nameCell(secret),
    secret.type ?? "",
    Object.keys(secret.data ?? {}).length,
    ageCell(secret, now),
  ],
};
