import type { ServiceAccount } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of service accounts. */
export const SERVICE_ACCOUNT_COLUMNS: KindColumns<ServiceAccount> = {
  columns: [
    NAME_COLUMN,
    column("Secrets", "The number of secrets that pods of this service account may use.", { type: "integer" }),
    AGE_COLUMN,
  ],
  cells: (account, now) => [nameCell(account), (account.secrets ?? []).length, ageCell(account, now)],
};
