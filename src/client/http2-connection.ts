import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  connect,
  constants,
} from "node:http2";
import type { SecureClientSessionOptions } from "node:http2";
import { codeOf, messageOf } from "../base/coded-error.ts";
import { ClientError } from "./client-error.ts";

/** Where an `Http2Connection` goes and how. */
export interface Http2ConnectionOptions {
  readonly origin: string;
  readonly tls: SecureClientSessionOptions;
  readonly connectTimeoutMs?: number;
  /** How often an open connection is probed; a peer that leaves one probe unanswered for as long again is given up. */
  readonly pingIntervalMs?: number;
}

/** A request: pseudo headers and headers, and the whole body. */
export interface Http2Request {
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer whose body has yet to be read; reading it to the end, or leaving its loop, frees it. */
export interface Http2Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * One HTTP/2 connection to one origin, opened at the first request and again whenever it was lost. All requests share it.
 * Throws `ClientError`: `UNREACHABLE`, `CONNECTION_LOST`, `CLOSED`; or the signal's reason.
 */
export class Http2Connection implements AsyncDisposable {
  readonly #options: Http2ConnectionOptions;
  /** The one that takes new requests. */
  #session: Promise<ClientHttp2Session> | undefined;
  /** Ends every session, also one that the server has told to end but that still has streams. */
  readonly #end = new AbortController();

  constructor(options: Http2ConnectionOptions) {
    this.#options = options;
  }

  /** Sends a request and returns when its answer's headers are there. */
  async request(request: Http2Request): Promise<Http2Response> {
    const reused = this.#session !== undefined;
    try {
      return await this.#requestOnce(request);
    } catch (error) {
      if (!reused || !this.#mayRepeat(request, error)) throw error;
      return await this.#requestOnce(request);
    }
  }

  /** Ends the connection; what is under way on it fails with `CONNECTION_LOST`. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort();
    await this.#session?.catch(() => undefined);
  }

  async #requestOnce(request: Http2Request): Promise<Http2Response> {
    request.signal?.throwIfAborted();
    const session = await untilAborted(this.#open(), request.signal);
    return await exchange(session, request);
  }

  /** A lost connection says nothing about whether the server acted, so only reads and refused streams may be repeated. */
  #mayRepeat(request: Http2Request, error: unknown): boolean {
    if (request.signal?.aborted === true || this.#end.signal.aborted) return false;
    if (codeOf(error) !== "CONNECTION_LOST") return false;
    return request.headers[":method"] === "GET" || isRefusedStream(error);
  }

  async #open(): Promise<ClientHttp2Session> {
    if (this.#end.signal.aborted)
      throw new ClientError("CLOSED", `Cannot call "${this.#options.origin}": the client is closed`);
    this.#session ??= this.#connect();
    return await this.#session;
  }

  #connect(): Promise<ClientHttp2Session> {
    const onGone = (): void => {
      if (this.#session === opening) this.#session = undefined;
    };
    const opening = openSession(this.#options, { signal: this.#end.signal, onGone });
    return opening;
  }
}

const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 8 << 20;

function openSession(
  options: Http2ConnectionOptions,
  { signal, onGone }: { readonly signal: AbortSignal; readonly onGone: () => void },
): Promise<ClientHttp2Session> {
  const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
  const session = connect(options.origin, { ...options.tls, settings: { initialWindowSize: STREAM_WINDOW } });
  let failure: unknown = new Error("the connection was closed");
  const end = (): void => {
    session.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  const timer = setTimeout(() => {
    session.destroy(new Error("no connection within the time-out"));
  }, options.connectTimeoutMs ?? 10_000);
  session.once("connect", () => {
    clearTimeout(timer);
    session.setLocalWindowSize(CONNECTION_WINDOW);
    probe(session, options.pingIntervalMs ?? 15_000);
    resolve(session);
  });
  session.on("error", (error) => {
    failure = error;
  });
  // After GOAWAY running streams may end in peace, but new ones need a new connection.
  session.once("goaway", onGone);
  session.once("close", () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    onGone();
    reject(unreachable(options.origin, failure));
  });
  return promise;
}

function probe(session: ClientHttp2Session, intervalMs: number): void {
  let answered = true;
  const timer = setInterval(() => {
    if (!answered) {
      session.destroy(new Error("the server stopped answering"));
      return;
    }
    answered = false;
    session.ping((error) => {
      answered = error === null;
    });
  }, intervalMs);
  timer.unref();
  session.once("close", () => {
    clearInterval(timer);
  });
}

function exchange(session: ClientHttp2Session, request: Http2Request): Promise<Http2Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Http2Response>();
  const what = `${String(request.headers[":method"])} ${String(request.headers[":path"])}`;
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(request.headers, { endStream: request.body === undefined });
  } catch (error) {
    // A session may die between being handed out and being used.
    return Promise.reject(lost(what, error));
  }
  cancelOnAbort(stream, request.signal);
  stream.once("response", (headers) => {
    resolve({ status: headers[":status"] ?? 0, headers, body: bodyOf(stream, what) });
  });
  let failure: unknown = new Error("the stream was closed");
  stream.on("error", (error) => {
    failure = error;
  });
  stream.once("close", () => {
    reject(request.signal?.aborted === true ? request.signal.reason : lost(what, failure));
  });
  if (request.body !== undefined) stream.end(request.body);
  return promise;
}

async function* bodyOf(stream: ClientHttp2Stream, what: string): AsyncGenerator<Uint8Array> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw lost(what, error);
  }
  // A connection that closes without a word ends its streams as if they were complete.
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw lost(what, new Error("the connection was closed"));
}

function cancelOnAbort(stream: ClientHttp2Stream, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const cancel = (): void => {
    stream.close(constants.NGHTTP2_CANCEL);
    // A cancelled stream does not tell its reader; destroying it does.
    stream.destroy();
  };
  signal.addEventListener("abort", cancel, { once: true });
  stream.once("close", () => {
    signal.removeEventListener("abort", cancel);
  });
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => {
    reject(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function unreachable(origin: string, cause: unknown): ClientError {
  return new ClientError("UNREACHABLE", `Cannot connect to "${origin}": ${messageOf(cause)}`, { cause });
}

function lost(what: string, cause: unknown): ClientError {
  return new ClientError("CONNECTION_LOST", `Cannot complete "${what}": ${messageOf(cause)}`, { cause });
}

function isRefusedStream(error: unknown): boolean {
  return error instanceof ClientError && messageOf(error.cause).includes("NGHTTP2_REFUSED_STREAM");
}
