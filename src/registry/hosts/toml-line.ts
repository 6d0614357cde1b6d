/**
 * Returns the line on which a key stands in the table that `path` leads to, or that of the table's header; undefined where
 * neither is found. For messages: it reads headers and keys as people write them, not all of TOML.
 */
export function lineOfKey(text: string, path: readonly string[], key: string): number | undefined {
  let current: readonly string[] = [];
  let header: number | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const table = /^\s*\[([^[\]]+|.*"[^"]*".*)\]\s*(?:#.*)?$/.exec(line)?.[1];
    if (table !== undefined) {
      current = partsOf(table);
      if (isSame(current, path)) header = index + 1;
      if (isSame(current, [...path, key])) return index + 1;
      continue;
    }
    const [name = ""] = partsOf(/^\s*([^=#]+?)\s*=/.exec(line)?.[1] ?? "");
    if (isSame(current, path) && name === key) return index + 1;
  }
  return header;
}

/** The parts of a dotted key, quoted ones without their quotes. */
function partsOf(dotted: string): string[] {
  return Array.from(
    dotted.matchAll(/"([^"]*)"|'([^']*)'|([^\s."']+)/g),
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index]);
}
