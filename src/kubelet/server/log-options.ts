/** What part of a container's log is asked for, and in which form. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** Lines before this time are left out (ms since the epoch). */
  readonly since: number | undefined;
}

/** Reads the query of a log request as the API defines it. Throws `RangeError` naming the parameter that is wrong. */
export function parseLogOptions(query: URLSearchParams, now: number): LogOptions {
  const sinceSeconds = wholeNumber(query, "sinceSeconds", 1);
  const sinceTime = query.get("sinceTime");
  if (sinceSeconds !== undefined && sinceTime !== null) {
    throw new RangeError("at most one of `sinceTime` or `sinceSeconds` may be specified");
  }
  return {
    follow: flag(query, "follow"),
    previous: flag(query, "previous"),
    timestamps: flag(query, "timestamps"),
    tailLines: wholeNumber(query, "tailLines", 0),
    limitBytes: wholeNumber(query, "limitBytes", 1),
    since: sinceSeconds === undefined ? timeOf(sinceTime) : now - sinceSeconds * 1000,
  };
}

function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === "false" || value === "0") return false;
  if (value === "" || value === "true" || value === "1") return true;
  throw new RangeError(`invalid value "${value}" for ${name}: it must be true or false`);
}

function wholeNumber(query: URLSearchParams, name: string, least: number): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : -1;
  if (number < least)
    throw new RangeError(`invalid value "${value}" for ${name}: it must be a number of at least ${least}`);
  return number;
}

function timeOf(text: string | null): number | undefined {
  if (text === null || text === "") return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new RangeError(`invalid value "${text}" for sinceTime: it must be an RFC 3339 time`);
  return time;
}
