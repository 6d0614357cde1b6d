/** A path for a C function: text, or bytes that end with NUL, since a file name need not be UTF-8. Made by `cPathOf`. */
export type CPath = string | Uint8Array;

/** Returns the path of these bytes. */
export function cPathOf(bytes: Uint8Array): CPath {
  return Buffer.concat([bytes, Buffer.alloc(1)]);
}

/** Returns the path as text for messages. */
export function formatCPath(path: CPath): string {
  return typeof path === "string" ? path : Buffer.from(path.subarray(0, -1)).toString("utf8");
}
