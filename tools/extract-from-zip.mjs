import { chmodSync, closeSync, openSync, readSync, renameSync, statSync, writeFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

/** Writes one entry of a zip file to `target`, all or nothing. */
export function extractFromZip({ zip, entry, target, mode }) {
  const temporary = `${target}.${process.pid}.tmp`;
  writeFileSync(temporary, readFromZip(zip, entry));
  chmodSync(temporary, mode);
  renameSync(temporary, target);
}

/** Returns one entry of a zip file. A machine need not have `unzip`. */
export function readFromZip(zip, entry) {
  const fd = openSync(zip, "r");
  try {
    const { method, size, offset } = findEntry(fd, statSync(zip).size, entry);
    const local = read(fd, offset, LOCAL_HEADER_BYTES);
    const data = offset + LOCAL_HEADER_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
    const bytes = read(fd, data, size);
    return method === DEFLATED ? inflateRawSync(bytes) : bytes;
  } finally {
    closeSync(fd);
  }
}

const DEFLATED = 8;
const LOCAL_HEADER_BYTES = 30;
const END_RECORD = 0x06054b50;
const MAX_END_RECORD_BYTES = 22 + 0xffff;

// APPNOTE.TXT 4.3.12 and 4.3.16: sizes are taken from the central directory, since a local header may lack them.
function findEntry(fd, fileSize, wanted) {
  const tailStart = Math.max(0, fileSize - MAX_END_RECORD_BYTES);
  const tail = read(fd, tailStart, fileSize - tailStart);
  let at = tail.length - 22;
  while (at >= 0 && tail.readUInt32LE(at) !== END_RECORD) at--;
  if (at < 0) throw new Error("Cannot read the zip file: it has no end record");
  const directory = read(fd, tail.readUInt32LE(at + 16), tail.readUInt32LE(at + 12));
  for (let position = 0; position < directory.length;) {
    const nameBytes = directory.readUInt16LE(position + 28);
    const name = directory.toString("utf8", position + 46, position + 46 + nameBytes);
    if (name === wanted) {
      return {
        method: directory.readUInt16LE(position + 10),
        size: directory.readUInt32LE(position + 20),
        offset: directory.readUInt32LE(position + 42),
      };
    }
    position += 46 + nameBytes + directory.readUInt16LE(position + 30) + directory.readUInt16LE(position + 32);
  }
  throw new Error(`Cannot read the zip file: it has no entry "${wanted}"`);
}

function read(fd, position, length) {
  const buffer = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, buffer, done, length - done, position + done);
    if (count === 0) throw new Error("Cannot read the zip file: it ends early");
    done += count;
  }
  return buffer;
}
