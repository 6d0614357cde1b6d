import type { FileHandle } from "node:fs/promises";
import { posix } from "node:path";

import { messageOf } from "../../base/coded-error.ts";
import { parsePaxRecords, paxNumber } from "../../snapshots/unpack/pax-records.ts";
import { BLOCK_BYTES, isZeroBlock, parseTarHeader, type TarHeader } from "../../snapshots/unpack/tar-header.ts";
import { invalidArchive } from "./invalid-archive.ts";

/** A regular file of an archive: where its bytes lie. */
export interface TarRegion {
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
}

const MAX_ENTRIES = 200_000;
const MAX_META_BYTES = 1024 * 1024;
const MAX_LINKS = 16;

/**
 * The regular files of a tar archive by their cleaned names. Nothing is written anywhere: a name that leads out of the
 * archive names nothing.
 */
export class TarIndex {
  readonly #files: ReadonlyMap<string, TarRegion>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(files: ReadonlyMap<string, TarRegion>, links: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#links = links;
  }

  /** Returns the file of this name, through links within the archive. */
  find(name: string): TarRegion | undefined {
    let at = clean(name);
    // Docker's old archives link a layer that two images share.
    for (let depth = 0; depth < MAX_LINKS; depth++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#files.get(at);
      at = target;
    }
    return undefined;
  }
}

/** Reads the headers of a tar archive of `size` bytes, passing over what they describe. Throws `CriError` with code `INVALID_ARGUMENT`. */
export async function readTarIndex(file: FileHandle, size: number): Promise<TarIndex> {
  try {
    return await new TarIndexer(file, size).read();
  } catch (error) {
    const reason = messageOf(error).replace(/^Cannot unpack the layer: /, "");
    throw invalidArchive(`it is no tar archive: ${reason}`, error);
  }
}

/** What extended headers said of the entry that follows them. */
interface Extension {
  readonly name?: string | undefined;
  readonly linkName?: string | undefined;
  readonly size?: number | undefined;
}

class TarIndexer {
  readonly #file: FileHandle;
  readonly #size: number;
  readonly #files = new Map<string, TarRegion>();
  readonly #links = new Map<string, string>();
  #extension: Extension = {};
  #entries = 0;

  constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.#size = size;
  }

  async read(): Promise<TarIndex> {
    for (let at = 0; at + BLOCK_BYTES <= this.#size;) {
      const block = await this.#bytes(at, BLOCK_BYTES);
      if (isZeroBlock(block)) break;
      const header = parseTarHeader(block);
      if (++this.#entries > MAX_ENTRIES) throw new RangeError(`it has more than ${MAX_ENTRIES} entries`);
      const content = { offset: at + BLOCK_BYTES, size: this.#sizeOf(header) };
      if (content.size < 0 || content.offset + content.size > this.#size) throw new RangeError("it is cut off");
      await this.#take(header, content);
      at = content.offset + Math.ceil(content.size / BLOCK_BYTES) * BLOCK_BYTES;
    }
    return new TarIndex(this.#files, this.#links);
  }

  #sizeOf(header: TarHeader): number {
    return isMeta(header) ? header.size : (this.#extension.size ?? header.size);
  }

  async #take(header: TarHeader, content: TarRegion): Promise<void> {
    if (isMeta(header)) {
      await this.#extend(header, content);
      return;
    }
    const { name = header.name, linkName = header.linkName } = this.#extension;
    this.#extension = {};
    const path = clean(name);
    // Of two entries of one name the later counts, as it would when extracted.
    this.#files.delete(path);
    this.#links.delete(path);
    if (["0", "\0", "7"].includes(header.typeFlag)) this.#files.set(path, content);
    else if (header.typeFlag === "1") this.#links.set(path, clean(linkName));
    else if (header.typeFlag === "2") this.#links.set(path, clean(posix.join(posix.dirname(path), linkName)));
  }

  async #extend(header: TarHeader, content: TarRegion): Promise<void> {
    if (content.size > MAX_META_BYTES) throw new RangeError("an extended header is too long");
    const body = await this.#bytes(content.offset, content.size);
    const text = () => body.toString("latin1").replace(/\0[\s\S]*$/, "");
    if (header.typeFlag === "L") this.#extension = { ...this.#extension, name: text() };
    else if (header.typeFlag === "K") this.#extension = { ...this.#extension, linkName: text() };
    else if (header.typeFlag === "x") this.#extension = { ...this.#extension, ...extensionOf(parsePaxRecords(body)) };
  }

  async #bytes(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(buffer, 0, length, offset);
    if (bytesRead < length) throw new RangeError("it is cut off");
    return buffer;
  }
}

function isMeta({ typeFlag }: TarHeader): boolean {
  return ["L", "K", "x", "g"].includes(typeFlag);
}

function extensionOf(records: ReadonlyMap<string, string>): Extension {
  if ([...records.keys()].some((key) => key.startsWith("GNU.sparse."))) throw new RangeError("it has a sparse file");
  const [name, linkName, size] = [records.get("path"), records.get("linkpath"), paxNumber(records, "size")];
  return {
    ...(name === undefined ? {} : { name }),
    ...(linkName === undefined ? {} : { linkName }),
    ...(size === undefined ? {} : { size }),
  };
}

/** Returns the name below the archive's root; `..` does not lead out of it. */
function clean(name: string): string {
  return posix.normalize(`/${name}`).slice(1).replace(/\/$/, "");
}
