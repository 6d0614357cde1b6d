import { BLOCK_BYTES } from "../../snapshots/unpack/tar-header.ts";

/** Returns the ustar header of a regular file, the same for the same name and size. `name` has at most 100 bytes. */
export function tarFileHeader(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0, 100, "latin1");
  block.write("0000644\0", 100, "latin1");
  block.write("0000000\0", 108, "latin1");
  block.write("0000000\0", 116, "latin1");
  writeSize(block, size);
  block.write("00000000000\0", 136, "latin1");
  block.write("0", 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Returns the zeros that follow a file of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Returns what ends an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

const OCTAL_LIMIT = 8 ** 11;

function writeSize(block: Buffer, size: number): void {
  if (size < OCTAL_LIMIT) {
    block.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
    return;
  }
  // Base-256, as GNU tar has it for 8 GiB and more.
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}
