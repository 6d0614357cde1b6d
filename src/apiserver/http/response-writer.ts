import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import { promisify } from "node:util";
import { constants, gzip } from "node:zlib";
import { type ApiResponse, isStream, type ResponseSink, type ResponseStream } from "./api-response.ts";

/** Either protocol's response. */
export type RawResponse = ServerResponse | Http2ServerResponse;

/** What sending needs to know of the request. */
export interface SendOptions {
  readonly acceptEncoding: string;
  readonly isHead: boolean;
  readonly warnings: readonly string[];
  /** Ends streams; an answer that is there already is sent all the same. */
  readonly signal: AbortSignal;
}

/** Sends an answer; resolves when it is complete or the client is gone. Long bodies are compressed where that is accepted. */
export async function sendResponse(raw: RawResponse, response: ApiResponse, options: SendOptions): Promise<void> {
  if (isStream(response.body)) await sendStream(raw, response, response.body, options);
  else
    await sendWhole(
      raw,
      response,
      Array.isArray(response.body) ? response.body : [response.body as Uint8Array],
      options,
    );
}

const compress = promisify(gzip);
const MIN_COMPRESSED_BYTES = 128 * 1024;
const MAX_QUEUED_BYTES = 16 * 1024 * 1024;
const MAX_QUEUED_CHUNKS = 10_000;

async function sendWhole(
  raw: RawResponse,
  response: ApiResponse,
  parts: readonly Uint8Array[],
  options: SendOptions,
): Promise<void> {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const isCompressed =
    length >= MIN_COMPRESSED_BYTES &&
    /(?:^|,)\s*gzip\s*(?:;(?!q=0(?:\.0*)?\s*(?:,|$))|,|$)/.test(options.acceptEncoding);
  const whole = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts, length);
  const body = isCompressed ? await compress(whole, { level: constants.Z_BEST_SPEED }) : whole;
  writeHead(raw, response, options.warnings, {
    "content-length": String(body.byteLength),
    ...(isCompressed ? { "content-encoding": "gzip", vary: "accept-encoding" } : {}),
  });
  if (options.isHead) endOf(raw);
  else endOf(raw, body);
}

async function sendStream(
  raw: RawResponse,
  response: ApiResponse,
  stream: ResponseStream,
  options: SendOptions,
): Promise<void> {
  writeHead(raw, response, options.warnings, {});
  flushHead(raw);
  const sink = new BoundedSink(raw);
  try {
    await stream.write(sink, options.signal);
    await sink.flushed();
    endOf(raw);
  } catch {
    // A body that breaks off must not look complete.
    cutOff(raw);
  }
}

class BoundedSink implements ResponseSink {
  readonly #raw: RawResponse;
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isBlocked = false;
  #waiting: (() => void)[] = [];

  constructor(raw: RawResponse) {
    this.#raw = raw;
    raw.on("drain", () => this.#drain());
    raw.on("close", () => this.#discard());
  }

  offer(chunk: Uint8Array): boolean {
    if (!this.#isBlocked) {
      this.#isBlocked = !write(this.#raw, chunk);
      return true;
    }
    if (this.#queue.length >= MAX_QUEUED_CHUNKS || this.#queuedBytes + chunk.byteLength > MAX_QUEUED_BYTES)
      return false;
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    return true;
  }

  flushed(): Promise<void> {
    if (!this.#isBlocked || this.#raw.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #drain(): void {
    this.#isBlocked = false;
    if (this.#queue.length > 0) {
      // One large write costs less than many small ones.
      const chunk = Buffer.concat(this.#queue.splice(0));
      this.#queuedBytes = 0;
      this.#isBlocked = !write(this.#raw, chunk);
    }
    if (!this.#isBlocked) this.#wake();
  }

  #discard(): void {
    this.#queue.length = 0;
    this.#isBlocked = false;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

function writeHead(
  raw: RawResponse,
  response: ApiResponse,
  warnings: readonly string[],
  extra: Readonly<Record<string, string>>,
): void {
  raw.statusCode = response.status;
  raw.setHeader("cache-control", "no-cache, private");
  for (const [name, value] of Object.entries({ ...response.headers, ...extra })) raw.setHeader(name, value);
  if (warnings.length > 0) raw.setHeader("warning", [...new Set(warnings)].map(warningHeader));
}

// The client has to learn that a stream began before there is anything in it.
function flushHead(raw: RawResponse): void {
  if ("stream" in raw) raw.writeHead(raw.statusCode);
  else raw.flushHeaders();
}

const MAX_WARNING_LENGTH = 1024;

// RFC 7234 §5.5: code, agent, quoted text. Header values hold no control characters.
function warningHeader(text: string): string {
  const printable = text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_WARNING_LENGTH);
  return `299 - "${printable.replaceAll(/["\\]/g, "\\$&")}"`;
}

function write(raw: RawResponse, chunk: Uint8Array): boolean {
  return raw.destroyed || (raw as ServerResponse).write(chunk);
}

function endOf(raw: RawResponse, body?: Uint8Array): void {
  if (raw.destroyed) return;
  if (body === undefined) (raw as ServerResponse).end();
  else (raw as ServerResponse).end(body);
}

function cutOff(raw: RawResponse): void {
  if ("stream" in raw) raw.stream.close();
  else raw.destroy();
}
