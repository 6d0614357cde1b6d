import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { getCACertificates } from "node:tls";

import type { Agent, Dispatcher } from "undici";

import { proxyAuthorization, withoutUserInfo } from "./proxy-settings.ts";
import { type AddressTrust, refuseInternal } from "./refuse-internal.ts";
import { tlsKey, type TlsSettings } from "./tls-settings.ts";

/** Limits of connections. */
export interface DispatcherOptions {
  /** PEM certificates trusted besides the system's. */
  readonly ca?: readonly string[];
  readonly connectTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
  /** How long a body may bring no bytes. */
  readonly stallTimeoutMs?: number;
}

/** What connections have in common that may be shared. */
export interface DispatcherKey {
  readonly address: AddressTrust;
  readonly tls: TlsSettings | undefined;
  readonly proxy: URL | undefined;
}

const MAX_DISPATCHERS = 32;

/** Pools of connections, one for each way to connect. Disposing it breaks what is still open. */
export class Dispatchers implements AsyncDisposable {
  readonly #options: DispatcherOptions;
  readonly #dispatchers = new Map<string, Dispatcher>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  async get(key: DispatcherKey): Promise<Dispatcher> {
    const { Agent, ProxyAgent } = await import("undici");
    const name = [key.address, tlsKey(key.tls), key.proxy?.href ?? ""].join(" ");
    const existing = this.#dispatchers.get(name);
    if (existing !== undefined) return existing;
    const dispatcher =
      key.proxy === undefined ? new Agent(this.#agentOptions(key)) : new ProxyAgent(this.#proxyOptions(key, key.proxy));
    this.#dispatchers.set(name, dispatcher);
    this.#dropOldest();
    return dispatcher;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#dispatchers.values(), (dispatcher) => dispatcher.destroy()));
    this.#dispatchers.clear();
  }

  #agentOptions({ address, tls }: DispatcherKey): Agent.Options {
    const { connectTimeoutMs: timeout = CONNECT_TIMEOUT_MS } = this.#options;
    return { ...this.#limits(), connect: { ...this.#tlsOptions(tls), timeout, lookup: lookupFor(address) } };
  }

  /** The proxy looks names up, and is who keeps them from meaning something internal. */
  #proxyOptions({ tls }: DispatcherKey, proxy: URL) {
    const { connectTimeoutMs: timeout = CONNECT_TIMEOUT_MS } = this.#options;
    const token = proxyAuthorization(proxy);
    return {
      ...this.#limits(),
      uri: withoutUserInfo(proxy).href,
      connectTimeout: timeout,
      requestTls: { ...this.#tlsOptions(tls), timeout },
      proxyTls: { ca: [...this.#authorities(undefined)], timeout },
      ...(token === undefined ? {} : { token }),
    };
  }

  #limits() {
    const { headersTimeoutMs = 30_000, stallTimeoutMs = 60_000 } = this.#options;
    return {
      headersTimeout: headersTimeoutMs,
      bodyTimeout: stallTimeoutMs,
      maxHeaderSize: 16 * 1024,
      connections: 16,
      allowH2: true,
      // One stream of HTTP/2 is to be as fast as a connection of HTTP/1.1.
      h2Options: { connectionWindowSize: 16 * 1024 * 1024, settings: { initialWindowSize: 4 * 1024 * 1024 } },
    };
  }

  #tlsOptions(tls: TlsSettings | undefined) {
    const { client, skipVerify } = tls ?? {};
    return {
      ca: [...this.#authorities(tls)],
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key.reveal() }),
      ...(skipVerify === true ? { rejectUnauthorized: false } : {}),
    };
  }

  #authorities(tls: TlsSettings | undefined): readonly string[] {
    return [...systemAuthorities(), ...(this.#options.ca ?? []), ...(tls?.ca ?? [])];
  }

  #dropOldest(): void {
    const [oldest] = this.#dispatchers;
    if (this.#dispatchers.size <= MAX_DISPATCHERS || oldest === undefined) return;
    this.#dispatchers.delete(oldest[0]);
    // What is under way ends by itself.
    oldest[1].close().catch(() => {});
  }
}

const CONNECT_TIMEOUT_MS = 30_000;

/** The system's authorities, as container tools trust them; Node's own where the system has none installed. */
function systemAuthorities(): readonly string[] {
  const system = getCACertificates("system");
  return [...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")];
}

type LookupCallback = (error: Error | null, addresses: LookupAddress[] | string, family?: number) => void;

/** Checks the addresses that will really be connected to, so that a name cannot change its meaning in between. */
function lookupFor(address: AddressTrust) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      try {
        if (error !== null) throw error;
        for (const found of addresses) refuseInternal(found.address, address);
        const first = addresses[0];
        if (options.all === true || first === undefined) callback(null, addresses);
        else callback(null, first.address, first.family);
      } catch (refused) {
        callback(refused as Error, []);
      }
    });
  };
}
