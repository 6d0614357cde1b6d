/** One entry of a tar archive to be built; every field can be made to lie. Strings are written as UTF-8. */
export interface TarItem {
  readonly name: string | Uint8Array;
  /** The type flag; `0` (file) by default. */
  readonly type?: string;
  readonly content?: string | Uint8Array;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds since the epoch. */
  readonly mtime?: number;
  readonly linkName?: string;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  /** Records of a PAX header written before the entry, in this order. */
  readonly pax?: readonly (readonly [string, string | Uint8Array])[];
  /** Size field of the header where it is not that of the content. */
  readonly size?: number;
  readonly format?: "ustar" | "gnu" | "v7";
  /** Changes the finished header block, before its checksum is made. */
  readonly patch?: (block: Buffer) => void;
}

/** Returns a tar archive of these entries with its two zero blocks at the end. */
export function buildTar(items: readonly TarItem[]): Buffer {
  return Buffer.concat([...items.map(tarEntry), Buffer.alloc(1024)]);
}

/** Returns the blocks of one entry. */
export function tarEntry(item: TarItem): Buffer {
  const content = Buffer.from(item.content ?? "");
  const blocks = [header(item, content.length), padded(content)];
  if (item.pax !== undefined) {
    const body = Buffer.concat(item.pax.map(paxRecord));
    blocks.unshift(header({ name: "PaxHeader", type: "x" }, body.length), padded(body));
  }
  return Buffer.concat(blocks);
}

function header(item: TarItem, contentLength: number): Buffer {
  const block = Buffer.alloc(512);
  const type = item.type ?? "0";
  put(block, 0, 100, item.name);
  putNumber(block, 100, 8, item.mode ?? (type === "5" ? 0o755 : 0o644));
  putNumber(block, 108, 8, item.uid ?? 0);
  putNumber(block, 116, 8, item.gid ?? 0);
  putNumber(block, 124, 12, item.size ?? contentLength);
  putNumber(block, 136, 12, item.mtime ?? 1_700_000_000);
  put(block, 156, 1, type);
  put(block, 157, 100, item.linkName ?? "");
  const format = item.format ?? "ustar";
  if (format !== "v7") put(block, 257, 8, format === "gnu" ? "ustar  \0" : "ustar\u000000");
  if (item.deviceMajor !== undefined) putNumber(block, 329, 8, item.deviceMajor);
  if (item.deviceMinor !== undefined) putNumber(block, 337, 8, item.deviceMinor);
  item.patch?.(block);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(block, 148, 8, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function put(block: Buffer, at: number, length: number, value: string | Uint8Array): void {
  Buffer.from(value as string).copy(block, at, 0, length);
}

function putNumber(block: Buffer, at: number, length: number, value: number): void {
  const octal = value.toString(8);
  if (value >= 0 && Number.isInteger(value) && octal.length < length) {
    put(block, at, length, octal.padStart(length - 1, "0"));
    return;
  }
  // Base-256, as GNU writes what octal cannot hold.
  let rest = BigInt(Math.trunc(value));
  for (let i = length - 1; i >= 0; i--) {
    block[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[at] = (block[at] ?? 0) | 0x80;
}

function paxRecord([key, value]: readonly [string, string | Uint8Array]): Buffer {
  const tail = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = tail.length + 1;
  while (String(length).length + tail.length > length) length++;
  return Buffer.concat([Buffer.from(String(length)), tail]);
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
