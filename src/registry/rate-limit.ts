/** Returns what a registry's headers tell of its limit, e.g. `0 of 100 left in 6 h, again in 15 min`; empty where they tell nothing. */
export function describeLimit(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  retryAfterMs: number | undefined,
): string {
  const limit = quota(headers["ratelimit-limit"]);
  const remaining = quota(headers["ratelimit-remaining"]);
  const window = limit?.windowMs ?? remaining?.windowMs;
  const parts = [
    remaining === undefined ? "" : `${remaining.count}${limit === undefined ? "" : ` of ${limit.count}`} left`,
    remaining === undefined && limit !== undefined ? `at most ${limit.count}` : "",
    window !== undefined && (limit ?? remaining) !== undefined ? `in ${duration(window)}` : "",
  ].filter((part) => part !== "");
  const again = retryAfterMs === undefined ? "" : `again in ${duration(retryAfterMs)}`;
  return [parts.join(" "), again].filter((part) => part !== "").join(", ");
}

/** `100;w=21600`: how many in how many seconds. */
function quota(header: string | string[] | undefined) {
  const match = /^(\d{1,9})(?:\s*;\s*w=(\d{1,9}))?$/.exec(typeof header === "string" ? header.trim() : "");
  if (match === null) return undefined;
  return { count: Number(match[1]), windowMs: match[2] === undefined ? undefined : Number(match[2]) * 1000 };
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
