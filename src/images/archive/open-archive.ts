import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { CriError } from "../../cri/cri-error.ts";
import { decompress } from "../../snapshots/unpack/decompress.ts";
import { invalidArchive } from "./invalid-archive.ts";
import { readTarIndex, type TarIndex, type TarRegion } from "./tar-index.ts";

/** An archive whose files can be read in any order. Disposing of it frees its disk space. */
export interface Archive extends AsyncDisposable {
  readonly index: TarIndex;
  /** Returns a small file. Throws `INVALID_ARGUMENT` past `maxBytes`. */
  read(region: TarRegion, maxBytes: number): Promise<Buffer>;
  /** Returns the bytes of a file from `from` on. */
  stream(region: TarRegion, from?: number): AsyncIterable<Buffer>;
}

/** Inflated bytes that an archive may have whatever its size, and beyond that for each byte of it. */
const MIN_LIMIT = 1024 ** 3;
const MAX_RATIO = 100;
const CHUNK_BYTES = 256 * 1024;

/**
 * Takes up an archive, plain or compressed with gzip or zstd, into a file below `directory` that has no name, so that it is
 * gone with this process however that ends. Throws `CriError`: `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`.
 */
export async function openArchive(
  directory: string,
  source: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<Archive> {
  await using stack = new AsyncDisposableStack();
  const file = stack.use(await openNameless(directory));
  const size = await inflateInto(file, source, signal);
  const index = await readTarIndex(file, size);
  const owned = stack.move();
  return {
    index,
    read: async (region, maxBytes) => await readRegion(file, region, maxBytes),
    stream: (region, from = 0) => streamRegion(file, region, from),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function openNameless(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, randomUUID());
  const file = await open(path, "wx+", 0o600);
  await rm(path);
  return file;
}

async function inflateInto(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const input = { bytes: 0 };
  let size = 0;
  try {
    for await (const chunk of decompress(counted(source, input, signal))) {
      size += chunk.length;
      if (size > Math.max(MIN_LIMIT, MAX_RATIO * input.bytes)) throw invalidArchive("it inflates beyond all measure");
      await file.write(chunk, 0, chunk.length, size - chunk.length);
    }
  } catch (error) {
    throw asArchiveError(error, signal);
  }
  return size;
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  input: { bytes: number },
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> {
  for await (const chunk of source) {
    signal?.throwIfAborted();
    if (input.bytes === 0) refuseOthers(chunk);
    input.bytes += chunk.length;
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}

function refuseOthers(start: Uint8Array): void {
  const isXz = start[0] === 0xfd && start[1] === 0x37 && start[2] === 0x7a;
  const isBzip2 = start[0] === 0x42 && start[1] === 0x5a && start[2] === 0x68;
  if (isXz || isBzip2) throw invalidArchive(`it is compressed with ${isXz ? "xz" : "bzip2"}, not gzip or zstd`);
}

function asArchiveError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof CriError || signal?.aborted === true) return error;
  const code = codeOf(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new CriError("RESOURCE_EXHAUSTED", "Cannot load the archive: no space left on the node", { cause: error });
  }
  return invalidArchive(messageOf(error), error);
}

async function readRegion(file: FileHandle, region: TarRegion, maxBytes: number): Promise<Buffer> {
  if (region.size > maxBytes) throw invalidArchive(`a document in it is larger than ${maxBytes} bytes`);
  const chunks: Buffer[] = [];
  for await (const chunk of streamRegion(file, region, 0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* streamRegion(file: FileHandle, { offset, size }: TarRegion, from: number): AsyncGenerator<Buffer> {
  for (let at = from; at < size;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset + at);
    if (bytesRead === 0) throw invalidArchive("it is cut off");
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
