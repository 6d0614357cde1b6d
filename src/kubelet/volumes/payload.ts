import type { KeyToPath } from "../../api/core-v1.gen.ts";

/** One file of a volume that the kubelet fills. */
export interface PayloadFile {
  readonly content: Uint8Array;
  readonly mode: number;
}

/** Files by path relative to the volume. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface ProjectionRules {
  readonly items: readonly KeyToPath[] | undefined;
  readonly defaultMode: number;
  readonly optional: boolean;
  /** How a missing key is told, e.g. `ConfigMap default/settings`. */
  readonly subject: string;
}

/** Returns the files that keys become: all of them by their own names, or those that `items` picks. Throws `RangeError`. */
export function projectKeys(data: ReadonlyMap<string, Uint8Array>, rules: ProjectionRules): Payload {
  const { items, defaultMode, optional, subject } = rules;
  if (items === undefined || items.length === 0) {
    return new Map([...data].map(([key, content]) => [checkedPath(key), { content, mode: defaultMode }]));
  }
  const files = new Map<string, PayloadFile>();
  for (const { key, path, mode } of items) {
    const content = data.get(key);
    if (content !== undefined) files.set(checkedPath(path), { content, mode: mode ?? defaultMode });
    else if (!optional) throw new RangeError(`references non-existent key: ${key} (${subject})`);
  }
  return files;
}

/** Throws `RangeError` for a path that would leave the volume or hide its own bookkeeping. */
export function checkedPath(path: string): string {
  const parts = path.split("/");
  const escapes = path === "" || path.startsWith("/") || parts.includes("..") || parts.includes(".");
  if (escapes || parts.includes("") || path.startsWith("..") || path.includes("\0")) {
    throw new RangeError(`invalid path "${path}" in a volume`);
  }
  return path;
}
