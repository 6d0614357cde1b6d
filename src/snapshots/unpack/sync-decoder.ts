import type { Transform } from "node:stream";
import { constants, createGunzip, createZstdDecompress, gzipSync, zstdCompressSync } from "node:zlib";

import { CodedError } from "../../base/coded-error.ts";

/** Decompresses at once, on the calling thread, into a buffer of the caller: half the processor time of a stream. */
export interface SyncDecoder extends Disposable {
  /**
   * Takes what it can of `input` and fills `output`; with `isLast` no more input follows. Throws an error with zlib's code
   * for a broken stream, or one that is cut.
   */
  run(input: Uint8Array, output: Uint8Array, isLast: boolean): DecodedStep;
}

/** What one step took and gave. Room left in `output` while input is left means that the compressed stream has ended. */
export interface DecodedStep {
  readonly taken: number;
  readonly given: number;
}

/** Compressions that a decoder takes. */
export type EncodedKind = "gzip" | "zstd";

/** Most that a zstd frame may ask us to remember: 128 MiB, zstd's own default for decoding. */
export const ZSTD_WINDOW_LOG_MAX = 27;

/**
 * Returns a decoder, or undefined where this version of Node does not have the private interface that it takes: `node:zlib`
 * offers nothing that is synchronous and goes step by step.
 */
export function openSyncDecoder(kind: EncodedKind): SyncDecoder | undefined {
  works[kind] ??= isWorking(kind);
  return works[kind] ? new HandleDecoder(kind) : undefined;
}

const works: Partial<Record<EncodedKind, boolean>> = {};

/** The private part of a zlib stream. After a write, `_writeState` holds the room left in the output and the input left. */
interface ZlibStream extends Transform {
  readonly _handle: ZlibHandle;
  readonly _writeState: Uint32Array;
}

interface ZlibHandle {
  // Flush, then buffer, offset and length of the input, and of the output.
  writeSync(...args: readonly [number, Uint8Array, number, number, Uint8Array, number, number]): void;
}

class HandleDecoder implements SyncDecoder {
  readonly #stream: ZlibStream;
  readonly #flush: { readonly more: number; readonly last: number };
  #failure: ZlibError | undefined;

  constructor(kind: EncodedKind) {
    // The stream's own output buffer stays unused: the smallest there is.
    const chunkSize = 64;
    const params = { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX };
    const stream = kind === "gzip" ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize, params });
    this.#stream = stream as unknown as ZlibStream;
    this.#flush =
      kind === "gzip"
        ? { more: constants.Z_NO_FLUSH, last: constants.Z_FINISH }
        : { more: constants.ZSTD_e_continue, last: constants.ZSTD_e_end };
    Object.assign(this.#stream._handle, {
      onerror: (message: string, _errno: number, code: string) => (this.#failure = new ZlibError(code, message)),
    });
  }

  run(input: Uint8Array, output: Uint8Array, isLast: boolean): DecodedStep {
    const flush = isLast ? this.#flush.last : this.#flush.more;
    this.#stream._handle.writeSync(flush, input, 0, input.length, output, 0, output.length);
    if (this.#failure !== undefined) throw this.#failure;
    const [roomLeft = 0, inputLeft = 0] = this.#stream._writeState;
    return { taken: input.length - inputLeft, given: output.length - roomLeft };
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}

/** A broken stream, by zlib's or zstd's code. */
class ZlibError extends CodedError<string> {}

/** Tries the private interface on bytes whose content is known. */
function isWorking(kind: EncodedKind): boolean {
  const content = Buffer.from("the private interface of zlib streams");
  const output = Buffer.alloc(content.length + 1);
  try {
    using decoder = new HandleDecoder(kind);
    const input = kind === "gzip" ? gzipSync(content) : zstdCompressSync(content);
    const { taken, given } = decoder.run(input, output, false);
    return taken === input.length && output.subarray(0, given).equals(content);
  } catch {
    return false;
  }
}
