import { invalidLayer } from "../snapshot-error.ts";
import { number } from "./tar-header.ts";

/** Where the stored pieces of a sparse file belong. */
export interface SparseMap {
  readonly pieces: readonly SparsePiece[];
  /** Size of the file with its holes. */
  readonly realSize: number;
}

export interface SparsePiece {
  readonly offset: number;
  readonly length: number;
}

/** Most pieces that one sparse file may have. */
export const MAX_SPARSE_PIECES = 100_000;

/** Parses the numbers of PAX sparse formats 0.0 and 0.1: `offset,length,…`. */
export function parsePaxSparseMap(text: string, realSize: number): SparseMap {
  const numbers = text === "" ? [] : text.split(",").map(parseCount);
  return checkedMap(numbers, realSize);
}

/** Collects the map that PAX sparse format 1.0 puts before the data: lines of decimals, the first the number of pieces. */
export class LeadingSparseMap {
  readonly #realSize: number;
  #text = "";
  #lines = 0;
  #wanted: number | undefined;

  constructor(realSize: number) {
    this.#realSize = realSize;
  }

  /** Adds a block; returns the map once it is whole. What follows it in that block is padding. */
  push(block: string): SparseMap | undefined {
    this.#text += block;
    this.#lines += block.split("\n").length - 1;
    if (this.#lines === 0) {
      if (this.#text.length > 32) throw invalidLayer("a sparse map is malformed");
      return undefined;
    }
    this.#wanted ??= 1 + 2 * parseCount(this.#text.slice(0, this.#text.indexOf("\n")));
    if (this.#wanted > 2 * MAX_SPARSE_PIECES) throw tooManyPieces();
    if (this.#text.length > 64 * this.#wanted + 512) throw invalidLayer("a sparse map is malformed");
    if (this.#lines < this.#wanted) return undefined;
    return checkedMap(this.#text.split("\n", this.#wanted).slice(1).map(parseCount), this.#realSize);
  }
}

/** Reads the pieces in an old GNU sparse header (`at` 386, four of them) or one of its extension blocks (`at` 0, 21). */
export function readGnuSparsePieces(block: Buffer, at: number, count: number): SparsePiece[] {
  const pieces: SparsePiece[] = [];
  for (let i = 0; i < count; i++) {
    const start = at + i * 24;
    if (block[start] === 0) break;
    pieces.push({ offset: number(block, start, 12), length: number(block, start + 12, 12) });
  }
  return pieces;
}

/** Checks that the pieces are in order, do not overlap, lie in the file and are `storedSize` bytes in all. */
export function checkSparseMap(map: SparseMap, storedSize: number): void {
  if (map.pieces.length > MAX_SPARSE_PIECES) throw tooManyPieces();
  if (!Number.isSafeInteger(map.realSize) || map.realSize < 0) throw invalidLayer("a file has an impossible size");
  let end = 0;
  let stored = 0;
  for (const { offset, length } of map.pieces) {
    if (offset < end || length < 0) throw invalidLayer("the pieces of a sparse file overlap");
    end = offset + length;
    stored += length;
  }
  if (end > map.realSize) throw invalidLayer("a piece of a sparse file lies behind its end");
  if (stored !== storedSize) throw invalidLayer("the pieces of a sparse file do not add up");
}

function checkedMap(numbers: readonly number[], realSize: number): SparseMap {
  if (numbers.length % 2 !== 0) throw invalidLayer("a sparse map has half a piece");
  const pieces: SparsePiece[] = [];
  for (let i = 0; i < numbers.length; i += 2) pieces.push({ offset: numbers[i] ?? 0, length: numbers[i + 1] ?? 0 });
  return { pieces, realSize };
}

function parseCount(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalidLayer("a sparse map is malformed");
  return value;
}

function tooManyPieces(): Error {
  return invalidLayer(`a sparse file has more than ${MAX_SPARSE_PIECES} pieces`);
}
