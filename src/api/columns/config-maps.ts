import type { ConfigMap } from "../core-v1.gen.ts";
import { AGE_COLUMN, ageCell, column, type KindColumns, NAME_COLUMN, nameCell } from "./column.ts";

/** The columns of config maps. */
export const CONFIG_MAP_COLUMNS: KindColumns<ConfigMap> = {
  columns: [NAME_COLUMN, column("Data", "The number of keys of the config map.", { type: "integer" }), AGE_COLUMN],
  cells: (configMap, now) => [
    nameCell(configMap),
    Object.keys(configMap.data ?? {}).length + Object.keys(configMap.binaryData ?? {}).length,
    ageCell(configMap, now),
  ],
};
