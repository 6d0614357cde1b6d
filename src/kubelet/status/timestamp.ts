/** Returns a time (ms since the epoch) as the API writes times: RFC 3339 in whole seconds. */
export function timestampOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, "Z");
}
