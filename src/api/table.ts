import { AGE_COLUMN, ageCell, type KindColumns, NAME_COLUMN, nameCell } from "./columns/column.ts";
import { CONFIG_MAP_COLUMNS } from "./columns/config-maps.ts";
import { EVENT_COLUMNS } from "./columns/events.ts";
import { LEASE_COLUMNS } from "./columns/leases.ts";
import { NAMESPACE_COLUMNS } from "./columns/namespaces.ts";
import { NODE_COLUMNS } from "./columns/nodes.ts";
import { POD_COLUMNS } from "./columns/pods.ts";
import { SECRET_COLUMNS } from "./columns/secrets.ts";
import { SERVICE_COLUMNS } from "./columns/services.ts";
import { SERVICE_ACCOUNT_COLUMNS } from "./columns/service-accounts.ts";
import type { KubernetesObject } from "./kubernetes-object.ts";
import type { ListMeta, Table, TableRow } from "./meta-v1.gen.ts";

/** What a row carries beside its cells: the `includeObject` query. */
export type IncludeObject = "Metadata" | "None" | "Object";

export interface TableOptions {
  readonly objects: readonly KubernetesObject[];
  /** The list's own metadata, as in `resourceVersion` and `continue`. */
  readonly metadata?: ListMeta;
  readonly includeObject?: IncludeObject;
  /** Milliseconds since the epoch that ages count from; by default the machine's clock. */
  readonly now?: number;
  /** Whether to leave the column definitions out, as every event of a watch but the first does. */
  readonly withoutHeaders?: boolean;
}

/** Returns objects of one kind as the table that `kubectl get` prints. */
export function toTable(kind: string, options: TableOptions): Table {
  const shown = columnsOf(kind);
  const now = options.now ?? Date.now();
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: options.metadata ?? {},
    columnDefinitions: options.withoutHeaders === true ? [] : [...shown.columns],
    rows: options.objects.map((object) => rowOf(object, shown, now, options.includeObject ?? "Metadata")),
  };
}

function rowOf(object: KubernetesObject, shown: KindColumns, now: number, include: IncludeObject): TableRow {
  const conditions = shown.conditions?.(object) ?? [];
  return {
    cells: [...shown.cells(object, now)],
    ...(conditions.length === 0 ? {} : { conditions: [...conditions] }),
    object: includedObject(object, include),
  };
}

function includedObject(object: KubernetesObject, include: IncludeObject): unknown {
  if (include === "None") return null;
  if (include === "Object") return object;
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

const PLAIN_COLUMNS: KindColumns = {
  columns: [NAME_COLUMN, AGE_COLUMN],
  cells: (object, now) => [nameCell(object), ageCell(object, now)],
};

function columnsOf(kind: string): KindColumns {
  return COLUMNS.get(kind) ?? PLAIN_COLUMNS;
}

const COLUMNS = new Map<string, KindColumns>([
  ["ConfigMap", CONFIG_MAP_COLUMNS],
  ["Event", EVENT_COLUMNS],
  ["Lease", LEASE_COLUMNS],
  ["Namespace", NAMESPACE_COLUMNS],
  ["Node", NODE_COLUMNS],
  ["Pod", POD_COLUMNS],
  ["Secret", SECRET_COLUMNS],
  ["Service", SERVICE_COLUMNS],
  ["ServiceAccount", SERVICE_ACCOUNT_COLUMNS],
]);
