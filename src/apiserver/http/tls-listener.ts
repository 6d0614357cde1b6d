import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Logger } from "../../base/log.ts";
import type { KeyPair } from "../../pki/key-pair.ts";
import type { Handler } from "./api-request.ts";
import { createRequestListener } from "./request-listener.ts";

/** What a listener serves, and as whom. */
export interface TlsListenerOptions {
  readonly handler: Handler;
  readonly keys: { readonly ca: Pick<KeyPair, "certificate">; readonly serving: KeyPair };
  readonly logger: Logger;
  /** Aborts before `close` is called; every request in flight sees it. */
  readonly closing: AbortSignal;
}

/** Answers HTTP/1.1 and HTTP/2 over TLS. Client certificates are asked for, not required. */
export class TlsListener {
  readonly #server: Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();

  constructor({ handler, keys, logger, closing }: TlsListenerOptions) {
    this.#server = createSecureServer(
      {
        allowHTTP1: true,
        cert: keys.serving.certificate,
        key: keys.serving.key.reveal(),
        ca: keys.ca.certificate,
        requestCert: true,
        // Who has no good certificate may have a token; authentication decides.
        rejectUnauthorized: false,
        minVersion: "TLSv1.2",
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        maxSessionMemory: SESSION_MEGABYTES,
        settings: {
          maxConcurrentStreams: MAX_STREAMS,
          initialWindowSize: WINDOW_BYTES,
          maxHeaderListSize: MAX_HEADER_BYTES,
        },
        ...HTTP1_LIMITS,
      },
      createRequestListener(handler, closing, logger),
    );
    this.#server.on("session", (session) => this.#guardSession(session));
    this.#server.on("secureConnection", (socket: Socket) => this.#guardSocket(socket));
    // Such as too many open files: the next connection may do better.
    this.#server.on("error", (error) => logger.error({ error }, "a connection could not be accepted"));
    // A client that breaks the protocol is its own problem.
    this.#server.on("sessionError", (error) => logger.debug({ error }, "a connection failed"));
    this.#server.on("tlsClientError", (error) => logger.debug({ error }, "a TLS handshake failed"));
  }

  /** The port; 0 before `listen`. */
  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Resolves when connections are accepted. Throws where the address cannot be had. */
  async listen(port: number, host: string): Promise<void> {
    const listening = once(this.#server, "listening");
    this.#server.listen({ port, host });
    await listening;
  }

  /** Stops accepting, lets what is in flight end for a short while, then ends every connection. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const session of this.#sessions) session.close();
    const timer = setTimeout(() => this.#destroyAll(), DRAIN_MS);
    const idle = setInterval(() => this.#closeIdleConnections(), IDLE_CHECK_MS);
    await closed;
    clearTimeout(timer);
    clearInterval(idle);
  }

  #guardSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    let streams = 0;
    session.on("stream", (stream) => {
      streams++;
      stream.on("close", () => streams--);
    });
    session.setTimeout(IDLE_TIMEOUT_MS, () => {
      // A quiet watch is no idle connection.
      if (streams === 0) session.close();
    });
    session.on("close", () => this.#sessions.delete(session));
    session.on("error", () => {});
  }

  #guardSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {});
  }

  // HTTP/1.1 connections that wait for a next request would keep the server open for ever.
  #closeIdleConnections(): void {
    // Node has it on this server too; its types do not.
    const server: { closeIdleConnections?: () => void } = this.#server as object;
    server.closeIdleConnections?.();
  }

  #destroyAll(): void {
    for (const session of this.#sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

const HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_STREAMS = 250;
// A component has one connection for everything: a long list in it must not refuse its lease.
const SESSION_MEGABYTES = 64;
const WINDOW_BYTES = 256 * 1024;
const MAX_HEADER_BYTES = 64 * 1024;
const IDLE_TIMEOUT_MS = 180_000;
const DRAIN_MS = 2000;
const IDLE_CHECK_MS = 50;
const HTTP1_LIMITS = { headersTimeout: 30_000, requestTimeout: 60_000, keepAliveTimeout: 90_000 } as const;
