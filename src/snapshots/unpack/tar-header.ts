import { invalidLayer } from "../snapshot-error.ts";

/** Size of a tar block in bytes. */
export const BLOCK_BYTES = 512;

/** The fields of one 512-byte header as they stand there. Names are byte strings. */
export interface TarHeader {
  readonly name: string;
  readonly linkName: string;
  readonly typeFlag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly isGnu: boolean;
}

/** Parses a header block (v7, POSIX ustar, star, GNU). Throws `SnapshotError` with code `LAYER_INVALID`. */
export function parseTarHeader(block: Buffer): TarHeader {
  checkSum(block);
  const magic = block.toString("latin1", 257, 265);
  const isUstar = magic.startsWith("ustar\0");
  const isGnu = magic === "ustar  \0";
  const name = text(block, 0, 100);
  const prefix = isUstar ? readPrefix(block) : "";
  const hasDevice = isUstar || isGnu;
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkName: text(block, 157, 100),
    typeFlag: block.toString("latin1", 156, 157),
    mode: number(block, 100, 8) & 0o7777,
    uid: number(block, 108, 8),
    gid: number(block, 116, 8),
    size: number(block, 124, 12),
    mtime: number(block, 136, 12),
    deviceMajor: hasDevice ? number(block, 329, 8) : 0,
    deviceMinor: hasDevice ? number(block, 337, 8) : 0,
    isGnu,
  };
}

/** Says whether a block holds nothing but zeros. */
export function isZeroBlock(block: Buffer): boolean {
  return block.equals(ZERO_BLOCK);
}

/** Returns a numeric header field: octal text, or base-256 where the first bit is set. */
export function number(block: Buffer, at: number, length: number): number {
  const value = ((block[at] ?? 0) & 0x80) === 0 ? octal(block, at, length) : base256(block, at, length);
  if (!Number.isSafeInteger(value)) throw invalidLayer("a number in a tar header is out of range");
  return value;
}

const ZERO_BLOCK = Buffer.alloc(BLOCK_BYTES);
const CHECKSUM_AT = 148;
const CHECKSUM_END = 156;
const SPACE = 0x20;

function checkSum(block: Buffer): void {
  let unsigned = 0;
  let signed = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    const byte = i >= CHECKSUM_AT && i < CHECKSUM_END ? SPACE : (block[i] ?? 0);
    unsigned += byte;
    signed += byte > 127 ? byte - 256 : byte;
  }
  const stored = number(block, CHECKSUM_AT, 8);
  // Some old writers summed signed characters.
  if (stored !== unsigned && stored !== signed) throw invalidLayer("a tar header has a wrong checksum");
}

function readPrefix(block: Buffer): string {
  // star puts times behind a shorter prefix and marks itself at the end of the block.
  const isStar = block.toString("latin1", 508, 512) === "tar\0";
  return text(block, 345, isStar ? 131 : 155);
}

function text(block: Buffer, at: number, length: number): string {
  const end = block.indexOf(0, at);
  return block.toString("latin1", at, end < 0 || end > at + length ? at + length : end);
}

function octal(block: Buffer, at: number, length: number): number {
  const digits = block.toString("latin1", at, at + length).replaceAll(/^[ \0]+|[ \0].*$/gs, "");
  if (digits === "") return 0;
  if (!/^[0-7]+$/.test(digits)) throw invalidLayer("a number in a tar header is malformed");
  return Number.parseInt(digits, 8);
}

function base256(block: Buffer, at: number, length: number): number {
  const isNegative = ((block[at] ?? 0) & 0x40) !== 0;
  let value = BigInt((block[at] ?? 0) & 0x7f);
  for (let i = 1; i < length; i++) value = (value << 8n) | BigInt(block[at + i] ?? 0);
  return Number(isNegative ? value - (1n << BigInt(8 * length - 1)) : value);
}
