import type { Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress } from "node:zlib";

import { codeOf } from "../../base/coded-error.ts";
import { invalidLayer } from "../snapshot-error.ts";
import { type EncodedKind, openSyncDecoder, type SyncDecoder, ZSTD_WINDOW_LOG_MAX } from "./sync-decoder.ts";

type Compression = "none" | EncodedKind;

const OUTPUT_BYTES = 256 * 1024;

/** Returns how the bytes that start like this are compressed. Media types lie about it too often to be asked. */
function detectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  const isFrame = a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd;
  const isSkippableFrame = a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18;
  return isFrame || isSkippableFrame ? "zstd" : "none";
}

/**
 * Returns the bytes of `source` decompressed, all gzip members or zstd frames of it. A chunk, of `source` as of what is
 * returned, is valid until the next one is asked for. Throws `SnapshotError` with code `LAYER_INVALID` for broken or cut streams.
 * `open` gives the decoders; where it gives none, streams do their work.
 */
export async function* decompress(
  source: AsyncIterable<Buffer>,
  open: (kind: EncodedKind) => SyncDecoder | undefined = openSyncDecoder,
): AsyncIterable<Buffer> {
  await using input = new Input(source);
  const compression = detectCompression(await input.peek(4));
  if (compression === "none") {
    while (await input.fill()) yield input.take(input.rest.length);
    return;
  }
  try {
    // Node's zstd decoder ends with a frame that ends within a chunk: the next frame needs a new one.
    yield* decodeOne(compression, input, open);
    if (compression === "zstd") {
      while (await input.fill()) yield* decodeOne(compression, input, open);
    }
  } catch (error) {
    throw asInvalidLayer(error);
  }
  // Node's gzip decoder goes through all members and ends at zeros, with which archives on tape are padded.
  while (await input.fill()) {
    if (input.take(input.rest.length).some((byte) => byte !== 0))
      throw invalidLayer("garbage follows its compressed stream");
  }
}

/** Decompresses what one decoder takes; what it did not take stays in `input`. */
async function* decodeOne(
  compression: EncodedKind,
  input: Input,
  open: (kind: EncodedKind) => SyncDecoder | undefined,
): AsyncIterable<Buffer> {
  using decoder = open(compression);
  yield* decoder === undefined ? decodeByStream(compression, input) : decodeAtOnce(decoder, input);
}

async function* decodeAtOnce(decoder: SyncDecoder, input: Input): AsyncIterable<Buffer> {
  const output = Buffer.allocUnsafe(OUTPUT_BYTES);
  for (;;) {
    const isLast = !(await input.fill());
    const { taken, given } = decoder.run(input.rest, output, isLast);
    input.take(taken);
    if (given > 0) yield output.subarray(0, given);
    const hasRoom = given < output.length;
    if (hasRoom && (isLast || input.rest.length > 0)) return;
  }
}

type StreamDecoder = Transform & { readonly bytesWritten: number };

/** The same by the public interface, which takes twice the time. */
async function* decodeByStream(compression: EncodedKind, input: Input): AsyncIterable<Buffer> {
  const decoder: StreamDecoder =
    compression === "gzip"
      ? createGunzip({ chunkSize: OUTPUT_BYTES })
      : createZstdDecompress({
          chunkSize: OUTPUT_BYTES,
          params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX },
        });
  try {
    const feeding = feed(decoder, input);
    for await (const chunk of decoder) yield chunk as Buffer;
    await feeding;
  } finally {
    decoder.destroy();
  }
}

/** Gives the decoder input until it or the input ends; what it did not take stays in `input`. */
async function feed(decoder: StreamDecoder, input: Input): Promise<void> {
  const ended = new Promise<void>((resolve) => decoder.once("end", resolve).once("close", resolve));
  try {
    while (await input.fill()) {
      const before = decoder.bytesWritten;
      const length = input.rest.length;
      const written = new Promise<void>((resolve) => decoder.write(input.rest, () => resolve()));
      // A decoder that ends within the chunk never says that it was written.
      await Promise.race([written, ended]);
      const taken = decoder.bytesWritten - before;
      input.take(taken);
      if (taken < length) return;
    }
    decoder.end();
  } catch (error) {
    decoder.destroy(error as Error);
  }
}

/** The compressed bytes, with the part of the last chunk that nobody took yet. */
class Input implements AsyncDisposable {
  readonly #iterator: AsyncIterator<Buffer>;
  rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** Reads on where nothing is left. Returns false at the end. */
  async fill(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) return false;
      this.rest = next.value;
    }
    return true;
  }

  /** Returns the first bytes without taking them: `length` of them where there are so many. */
  async peek(length: number): Promise<Buffer> {
    while (this.rest.length < length) {
      const next = await this.#iterator.next();
      if (next.done === true) break;
      this.rest = Buffer.concat([this.rest, next.value]);
    }
    return this.rest.subarray(0, length);
  }

  take(length: number): Buffer {
    const taken = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#iterator.return?.();
  }
}

function asInvalidLayer(error: unknown): unknown {
  const code = codeOf(error) ?? "";
  return code.startsWith("Z_") || code.startsWith("ZSTD_") || code.startsWith("ERR_ZSTD")
    ? invalidLayer(`its compressed stream is broken (${code})`, error)
    : error;
}
