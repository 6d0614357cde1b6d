import type { FileTime } from "../../linux/file-times.ts";

/**
 * One entry of a tar archive. Names are byte strings: one character for each byte (`latin1`), since a file name on Linux
 * need not be UTF-8.
 */
export interface TarEntry {
  readonly type: TarEntryType;
  /** As in the archive: not cleaned, not trusted. */
  readonly name: string;
  /** Target of a link, as in the archive. */
  readonly linkName: string;
  /** Permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content that follow in the archive. */
  readonly size: number;
  readonly mtime: FileTime;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
}

export type TarEntryType = "file" | "hardlink" | "symlink" | "character" | "block" | "directory" | "fifo";

/** Receives what a `TarReader` reads, in order: for each entry `begin`, any number of `data`, `end`. */
export interface TarEntryHandler {
  begin(entry: TarEntry): void;
  /** `offset` is the place in the file; holes of sparse files are left out. The chunk is valid during the call only. */
  data(chunk: Uint8Array, offset: number): void;
  /** `size` is that of the file, holes included. */
  end(size: number): void;
}
