import type { ListOptions, WatchOptions, WriteOptions } from "./rest-client.ts";

/** Returns the query of a list. */
export function listQuery(options: ListOptions): URLSearchParams {
  return queryOf({
    labelSelector: options.labelSelector,
    fieldSelector: options.fieldSelector,
    resourceVersion: options.resourceVersion,
    resourceVersionMatch: options.resourceVersionMatch,
    limit: options.limit,
    continue: options.continue,
  });
}

/** Returns the query of a watch. */
export function watchQuery(options: WatchOptions): URLSearchParams {
  const query = listQuery(options);
  query.set("watch", "true");
  for (const name of ["allowWatchBookmarks", "sendInitialEvents", "timeoutSeconds"] as const) {
    const value = options[name];
    if (value !== undefined) query.set(name, String(value));
  }
  return query;
}

/** Returns the query of a create, update or patch. */
export function writeQuery(options: WriteOptions): URLSearchParams {
  return queryOf({ fieldManager: options.fieldManager, dryRun: options.dryRun === true ? "All" : undefined });
}

function queryOf(values: Readonly<Record<string, string | number | undefined>>): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  return query;
}
