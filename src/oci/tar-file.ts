/** Returns what stands before a regular file in a tar archive; the same for the same name and size. */
export function tarFileHeader(name: string, size: number): Buffer {
  const bytes = Buffer.from(name);
  if (bytes.length <= NAME_BYTES) return header(bytes, size, "0");
  // PAX: digests of sha512 are longer than the name field.
  const record = paxRecord("path", name);
  const extension = Buffer.concat([header(Buffer.from("pax"), record.length, "x"), record, tarPadding(record.length)]);
  return Buffer.concat([extension, header(bytes.subarray(0, NAME_BYTES), size, "0")]);
}

/** Returns the zeros that follow a file of this size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** Returns what ends an archive. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK_BYTES);
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
/** The size field has eleven octal digits. */
const OCTAL_LIMIT = 8 ** 11;

function header(name: Buffer, size: number, type: string): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  name.copy(block);
  block.write("0000644\0", 100, "latin1");
  block.write("0000000\0", 108, "latin1");
  block.write("0000000\0", 116, "latin1");
  writeSize(block, size);
  block.write("00000000000\0", 136, "latin1");
  block.write(type, 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function writeSize(block: Buffer, size: number): void {
  if (size < OCTAL_LIMIT) {
    block.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
    return;
  }
  // Base-256, as GNU tar has it for 8 GiB and more.
  block.writeUInt8(0x80, 124);
  block.writeBigUInt64BE(BigInt(size), 128);
}

/** A record begins with its own length, the digits of that included. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (String(length).length > String(bytes).length) length++;
  return Buffer.from(`${length}${rest}`);
}
