/** Returns a time span as Go prints it, to the millisecond: `250ms`, `1.2s`, `1m20s`, `5m0s`. */
export function formatGoDuration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const seconds = whole / 1000;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  const rest = `${Math.round((seconds - minutes * 60) * 1000) / 1000}s`;
  if (minutes < 60) return `${minutes}m${rest}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}`;
}

/** Returns a time span written as Go reads it, e.g. `2m30s` or `1.5h`, in milliseconds; undefined where it is none. */
export function parseGoDuration(text: string): number | undefined {
  const [, sign, spans] = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+|0)$/.exec(text) ?? [];
  if (spans === undefined) return undefined;
  let ms = 0;
  for (const [, amount, unit] of spans.matchAll(/([\d.]+)([a-zµμ]+)/g))
    ms += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return sign === "-" ? 0 - ms : ms;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
