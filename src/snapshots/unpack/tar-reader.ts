import { invalidLayer } from "../snapshot-error.ts";
import { parsePaxRecords, paxNumber, paxTime } from "./pax-records.ts";
import {
  checkSparseMap,
  LeadingSparseMap,
  MAX_SPARSE_PIECES,
  parsePaxSparseMap,
  readGnuSparsePieces,
  type SparseMap,
  type SparsePiece,
} from "./sparse-map.ts";
import type { TarEntry, TarEntryHandler, TarEntryType } from "./tar-entry.ts";
import { BLOCK_BYTES, isZeroBlock, number, parseTarHeader, type TarHeader } from "./tar-header.ts";

/** Most that extended headers, long names and sparse maps may take. */
const MAX_META_BYTES = 1024 * 1024;

const TYPES: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
};

type State =
  | { readonly kind: "header" }
  | { readonly kind: "meta"; readonly typeFlag: string; readonly body: Buffer; filled: number }
  | {
      readonly kind: "sparse-extension";
      readonly header: TarHeader;
      readonly pieces: SparsePiece[];
      readonly realSize: number;
    }
  | { readonly kind: "sparse-map"; readonly entry: TarEntry; readonly map: LeadingSparseMap; left: number }
  | { readonly kind: "content"; readonly content: Content }
  | { readonly kind: "padding"; left: number }
  | { readonly kind: "end" };

/** The content of the file being read: where in it the next stored bytes belong. */
interface Content {
  readonly pieces: readonly SparsePiece[];
  readonly realSize: number;
  readonly padding: number;
  piece: number;
  inPiece: number;
}

/**
 * Reads a tar archive that is pushed to it in chunks of any size: v7, ustar, PAX, GNU long names, base-256 numbers and
 * sparse files of all four formats. Calls its handler synchronously. Throws `SnapshotError` with code `LAYER_INVALID`.
 */
export class TarReader {
  readonly #handler: TarEntryHandler;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #blockFilled = 0;
  #state: State = { kind: "header" };
  #sawZeroBlock = false;
  #pax: ReadonlyMap<string, string> = new Map();
  #longName: string | undefined;
  #longLinkName: string | undefined;

  constructor(handler: TarEntryHandler) {
    this.#handler = handler;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at += this.#consume(chunk, at);
  }

  /** To be called after the last chunk. */
  finish(): void {
    // An archive may end without its two zero blocks, but not within an entry.
    const isWhole = this.#state.kind === "end" || (this.#state.kind === "header" && this.#blockFilled === 0);
    if (!isWhole || this.#hasPendingMeta()) throw invalidLayer("the archive ends within an entry");
  }

  /** Takes some bytes of `chunk` from `at` on; returns how many. */
  #consume(chunk: Buffer, at: number): number {
    const state = this.#state;
    switch (state.kind) {
      case "header":
        return this.#fillBlock(chunk, at, () => this.#header());
      case "sparse-extension":
        return this.#fillBlock(chunk, at, () => this.#sparseExtension(state));
      case "sparse-map":
        return this.#fillBlock(chunk, at, () => this.#sparseMapBlock(state));
      case "meta":
        return this.#meta(state, chunk, at);
      case "content":
        return this.#content(state.content, chunk, at);
      case "padding":
        return this.#padding(state, chunk.length - at);
      default:
        // What follows the end of the archive is hashed with the rest, and means nothing.
        return chunk.length - at;
    }
  }

  #fillBlock(chunk: Buffer, at: number, onFull: () => void): number {
    const taken = chunk.copy(this.#block, this.#blockFilled, at, at + BLOCK_BYTES - this.#blockFilled);
    this.#blockFilled += taken;
    if (this.#blockFilled === BLOCK_BYTES) {
      this.#blockFilled = 0;
      onFull();
    }
    return taken;
  }

  #header(): void {
    if (isZeroBlock(this.#block)) {
      if (this.#hasPendingMeta()) throw invalidLayer("the archive ends within an entry");
      if (this.#sawZeroBlock) this.#state = { kind: "end" };
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw invalidLayer("more follows a zero block");
    const header = parseTarHeader(this.#block);
    if (header.size < 0) throw invalidLayer("an entry has a negative size");
    if (["x", "g", "L", "K"].includes(header.typeFlag)) this.#startMeta(header);
    else if (header.typeFlag === "S") this.#startGnuSparse(header);
    else this.#startEntry(header, undefined);
  }

  #startMeta({ typeFlag, size }: TarHeader): void {
    if (size > MAX_META_BYTES) throw invalidLayer("an extended header is too large");
    this.#state = { kind: "meta", typeFlag, body: Buffer.alloc(size), filled: 0 };
    if (size === 0) this.#endMeta(typeFlag, Buffer.alloc(0));
  }

  #meta(state: State & { kind: "meta" }, chunk: Buffer, at: number): number {
    const taken = chunk.copy(state.body, state.filled, at);
    state.filled += taken;
    if (state.filled === state.body.length) this.#endMeta(state.typeFlag, state.body);
    return taken;
  }

  #endMeta(typeFlag: string, body: Buffer): void {
    switch (typeFlag) {
      case "x":
        this.#pax = parsePaxRecords(body);
        break;
      case "L":
        this.#longName = untilNul(body);
        break;
      case "K":
        this.#longLinkName = untilNul(body);
        break;
      default:
      // Global headers say nothing that image layers use; Go's reader leaves them out as well.
    }
    this.#skipPadding(paddingOf(body.length));
  }

  #startGnuSparse(header: TarHeader): void {
    if (!header.isGnu) throw invalidLayer("a sparse entry is in a header that is not GNU's");
    const pieces = readGnuSparsePieces(this.#block, 386, 4);
    const realSize = number(this.#block, 483, 12);
    if (this.#block[482] === 0) this.#startEntry(header, { pieces, realSize });
    else this.#state = { kind: "sparse-extension", header, pieces, realSize };
  }

  #sparseExtension(state: State & { kind: "sparse-extension" }): void {
    state.pieces.push(...readGnuSparsePieces(this.#block, 0, 21));
    if (state.pieces.length > MAX_SPARSE_PIECES) throw invalidLayer("a sparse map is too large");
    if (this.#block[504] === 0) this.#startEntry(state.header, { pieces: state.pieces, realSize: state.realSize });
  }

  #startEntry(header: TarHeader, gnuSparse: SparseMap | undefined): void {
    const pax = this.#pax;
    const entry = this.#entryOf(header);
    this.#pax = new Map();
    this.#longName = undefined;
    this.#longLinkName = undefined;
    const realSize = paxNumber(pax, "GNU.sparse.realsize") ?? paxNumber(pax, "GNU.sparse.size");
    if (pax.get("GNU.sparse.major") === "1") {
      if (realSize === undefined) throw invalidLayer("a sparse file lacks its size");
      this.#state = { kind: "sparse-map", entry, map: new LeadingSparseMap(realSize), left: entry.size };
      return;
    }
    const map = pax.get("GNU.sparse.map");
    if (map === undefined || realSize === undefined) this.#startContent(entry, gnuSparse, entry.size);
    else this.#startContent(entry, parsePaxSparseMap(map, realSize), entry.size);
  }

  #sparseMapBlock(state: State & { kind: "sparse-map" }): void {
    state.left -= BLOCK_BYTES;
    const map = state.map.push(this.#block.toString("latin1"));
    if (map !== undefined) this.#startContent(state.entry, map, Math.max(0, state.left));
    else if (state.left <= 0) throw invalidLayer("a sparse map is longer than its file");
  }

  #startContent(entry: TarEntry, sparse: SparseMap | undefined, storedSize: number): void {
    const map = sparse ?? { pieces: [{ offset: 0, length: storedSize }], realSize: storedSize };
    checkSparseMap(map, storedSize);
    this.#handler.begin(entry);
    const padding = paddingOf(storedSize);
    const pieces = map.pieces.filter((piece) => piece.length > 0);
    const content: Content = { pieces, realSize: map.realSize, padding, piece: 0, inPiece: 0 };
    this.#state = { kind: "content", content };
    if (pieces.length === 0) this.#endContent(content);
  }

  #content(content: Content, chunk: Buffer, at: number): number {
    const piece = content.pieces[content.piece];
    if (piece === undefined) throw new RangeError("Cannot read content behind its last piece");
    const taken = Math.min(chunk.length - at, piece.length - content.inPiece);
    this.#handler.data(chunk.subarray(at, at + taken), piece.offset + content.inPiece);
    content.inPiece += taken;
    if (content.inPiece === piece.length) {
      content.piece++;
      content.inPiece = 0;
    }
    if (content.piece === content.pieces.length) this.#endContent(content);
    return taken;
  }

  #endContent(content: Content): void {
    this.#handler.end(content.realSize);
    this.#skipPadding(content.padding);
  }

  #skipPadding(left: number): void {
    this.#state = left === 0 ? { kind: "header" } : { kind: "padding", left };
  }

  #padding(state: State & { kind: "padding" }, available: number): number {
    const taken = Math.min(state.left, available);
    state.left -= taken;
    if (state.left === 0) this.#state = { kind: "header" };
    return taken;
  }

  #entryOf(header: TarHeader): TarEntry {
    const pax = this.#pax;
    const name = pax.get("GNU.sparse.name") || pax.get("path") || this.#longName || header.name;
    const type = typeOf(header.typeFlag, name);
    return {
      type,
      name,
      linkName: pax.get("linkpath") || this.#longLinkName || header.linkName,
      mode: header.mode,
      uid: paxNumber(pax, "uid") ?? header.uid,
      gid: paxNumber(pax, "gid") ?? header.gid,
      // POSIX lets links and devices carry a size that no content follows.
      size: type === "file" ? contentSize(paxNumber(pax, "size") ?? header.size) : 0,
      mtime: paxTime(pax, "mtime") ?? { seconds: header.mtime, nanoseconds: 0 },
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: xattrsOf(pax),
    };
  }

  #hasPendingMeta(): boolean {
    return this.#pax.size > 0 || this.#longName !== undefined || this.#longLinkName !== undefined;
  }
}

const XATTR_PREFIX = "SCHILY.xattr.";

function xattrsOf(pax: ReadonlyMap<string, string>): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const [key, value] of pax) {
    if (key.startsWith(XATTR_PREFIX)) xattrs.set(key.slice(XATTR_PREFIX.length), Buffer.from(value, "latin1"));
  }
  return xattrs;
}

function typeOf(typeFlag: string, name: string): TarEntryType {
  const type = TYPES[typeFlag];
  if (type === undefined) throw invalidLayer(`an entry has the unknown type ${JSON.stringify(typeFlag)}`);
  // Archives older than ustar have no type for directories.
  return typeFlag === "\0" && name.endsWith("/") ? "directory" : type;
}

function contentSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0) throw invalidLayer("an entry has an impossible size");
  return size;
}

function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

function untilNul(body: Buffer): string {
  const end = body.indexOf(0);
  return body.toString("latin1", 0, end < 0 ? body.length : end);
}
