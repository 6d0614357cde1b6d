const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Returns a number of bytes as people read it, e.g. `62.1 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
