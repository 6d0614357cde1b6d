import type { Lease } from "../coordination-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of leases. */
export const LEASE_COLUMNS: KindColumns<Lease> = {
  columns: [
    NAME_COLUMN,
    column("Holder", "holderIdentity contains the identity of the holder of a current lease."),
    AGE_COLUMN,
  ],
  cells: (lease, now) => [nameCell(lease), lease.spec?.holderIdentity ?? "", ageCell(lease, now)],
};
