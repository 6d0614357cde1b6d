import type { Readable } from "node:stream";

import { Dispatchers, type DispatcherOptions } from "./dispatchers.ts";
import { proxyFor, proxySettingsOf, type ProxySettings } from "./proxy-settings.ts";
import { type AddressTrust, refuseInternal } from "./refuse-internal.ts";
import type { TlsSettings } from "./tls-settings.ts";
import { asProxyError, asTransportError } from "./transport-error.ts";

/** One HTTP request, sent as it is: no redirects, no retries. */
export interface TransportRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tls?: TlsSettings | undefined;
  /**
   * Who chose the address: `trusted` for the one in the image's name, `remote` for one that a registry sent us to. A remote
   * address must not be internal to the node; loopback only where the registry is there itself.
   */
  readonly address: AddressTrust;
}

export type HttpMethod = "GET" | "HEAD" | "POST" | "PUT" | "PATCH";

/** What is sent: bytes, or a function that opens the stream anew for each try. */
export type RequestBody = string | Uint8Array | (() => Readable);

/** The answer's head, and its body still to be read or destroyed. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  readonly url: URL;
}

/** Sends HTTP requests over pooled connections, directly or through the proxy that is set for their host. */
export interface Transport extends AsyncDisposable {
  /** Throws `RegistryError` with the code of a failed connection, or what `signal` was aborted with. */
  send(request: TransportRequest): Promise<TransportAnswer>;
}

export interface TransportOptions extends DispatcherOptions {
  /** The environment's `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` by default. */
  readonly proxies?: ProxySettings;
}

/** Returns a transport that trusts the system's certificate authorities. Throws `PROXY_FAILURE` where a proxy's address is none. */
export function createTransport(options: TransportOptions = {}): Transport {
  return new UndiciTransport(options);
}

/** A registry that takes in a large blob or moves it to its store answers late. */
const UPLOAD_ANSWER_TIMEOUT_MS = 300_000;

class UndiciTransport implements Transport {
  readonly #dispatchers: Dispatchers;
  readonly #proxies: ProxySettings;

  constructor(options: TransportOptions) {
    this.#dispatchers = new Dispatchers(options);
    this.#proxies = options.proxies ?? proxySettingsOf(process.env);
  }

  async send({ method, url, headers, body, signal, address, tls }: TransportRequest): Promise<TransportAnswer> {
    refuseInternal(url.hostname, address);
    // Loaded when the first pull comes: an idle node does without its memory.
    const { request } = await import("undici");
    const proxy = proxyFor(url, this.#proxies);
    try {
      const answer = await request(url, {
        method,
        headers,
        dispatcher: await this.#dispatchers.get({ address, tls, proxy }),
        ...(body === undefined ? {} : { body: typeof body === "function" ? body() : body }),
        ...(method === "PUT" || method === "PATCH" ? { headersTimeout: UPLOAD_ANSWER_TIMEOUT_MS } : {}),
        ...(signal === undefined ? {} : { signal }),
      });
      // Who reads the body gets its error from reading; a body that nobody reads must not end the process.
      answer.body.on("error", () => {});
      return { status: answer.statusCode, headers: answer.headers, body: answer.body, url };
    } catch (error) {
      signal?.throwIfAborted();
      throw proxy === undefined ? asTransportError(error, url) : asProxyError(error, url, proxy);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispatchers[Symbol.asyncDispose]();
  }
}
