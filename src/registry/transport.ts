import { lookup as dnsLookup, type LookupAddress, type LookupOptions } from "node:dns";
import type { Readable } from "node:stream";
import { getCACertificates } from "node:tls";

import type { Agent } from "undici";

import { isForbiddenAddress } from "./network-address.ts";
import { RegistryError } from "./registry-error.ts";
import { asTransportError } from "./transport-error.ts";

/** One HTTP request, sent as it is: no redirects, no retries. */
export interface TransportRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal?: AbortSignal | undefined;
  /**
   * Who chose the address: `trusted` for the one in the image's name, `remote` for one that a registry sent us to. A remote
   * address must not be internal to the node; loopback only where the registry is there itself.
   */
  readonly address: "trusted" | "remote" | "remote-from-loopback";
}

/** The answer's head, and its body still to be read or destroyed. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
  readonly url: URL;
}

/** Sends HTTP requests over pooled connections. */
export interface Transport extends AsyncDisposable {
  /** Throws `RegistryError` with the code of a failed connection, or what `signal` was aborted with. */
  send(request: TransportRequest): Promise<TransportAnswer>;
}

export interface TransportOptions {
  /** PEM certificates trusted besides the system's. */
  readonly ca?: readonly string[];
  readonly connectTimeoutMs?: number;
  readonly headersTimeoutMs?: number;
  /** How long a body may bring no bytes. */
  readonly stallTimeoutMs?: number;
}

/** Returns a transport that trusts the system's certificate authorities. */
export function createTransport(options: TransportOptions = {}): Transport {
  return new UndiciTransport(options);
}

class UndiciTransport implements Transport {
  readonly #options: TransportOptions;
  readonly #agents = new Map<TransportRequest["address"], Agent>();

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  async send({ method, url, headers, body, signal, address }: TransportRequest): Promise<TransportAnswer> {
    if (address !== "trusted") refuseInternal(url.hostname, address);
    // Loaded when the first pull comes: an idle node does without its memory.
    const { request } = await import("undici");
    try {
      const answer = await request(url, {
        method,
        headers,
        dispatcher: await this.#agent(address),
        ...(body === undefined ? {} : { body }),
        ...(signal === undefined ? {} : { signal }),
      });
      // Who reads the body gets its error from reading; a body that nobody reads must not end the process.
      answer.body.on("error", () => {});
      return { status: answer.statusCode, headers: answer.headers, body: answer.body, url };
    } catch (error) {
      signal?.throwIfAborted();
      throw asTransportError(error, url);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#agents.values(), (agent) => agent.destroy()));
    this.#agents.clear();
  }

  async #agent(address: TransportRequest["address"]): Promise<Agent> {
    const { Agent } = await import("undici");
    const existing = this.#agents.get(address);
    if (existing !== undefined) return existing;
    const { ca = [], connectTimeoutMs = 30_000, headersTimeoutMs = 30_000, stallTimeoutMs = 60_000 } = this.#options;
    const agent = new Agent({
      connect: { ca: [...trustedCertificates(), ...ca], timeout: connectTimeoutMs, lookup: lookupFor(address) },
      headersTimeout: headersTimeoutMs,
      bodyTimeout: stallTimeoutMs,
      maxHeaderSize: 16 * 1024,
      connections: 16,
      allowH2: false,
    });
    this.#agents.set(address, agent);
    return agent;
  }
}

/** The system's authorities, as container tools trust them; Node's own where the system has none installed. */
function trustedCertificates(): readonly string[] {
  const system = getCACertificates("system");
  return [...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")];
}

function refuseInternal(host: string, address: TransportRequest["address"]): void {
  if (!isForbiddenAddress(host, address === "remote-from-loopback")) return;
  throw new RegistryError(
    "REDIRECT_REFUSED",
    `Cannot reach "${host}": a registry may not send us to an internal address`,
  );
}

type LookupCallback = (error: Error | null, addresses: LookupAddress[] | string, family?: number) => void;

/** Checks the addresses that will really be connected to, so that a name cannot change its meaning in between. */
function lookupFor(address: TransportRequest["address"]) {
  return (hostname: string, options: LookupOptions, callback: LookupCallback): void => {
    dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
      try {
        if (error !== null) throw error;
        if (address !== "trusted") for (const found of addresses) refuseInternal(found.address, address);
        const first = addresses[0];
        if (options.all === true || first === undefined) callback(null, addresses);
        else callback(null, first.address, first.family);
      } catch (refused) {
        callback(refused as Error, []);
      }
    });
  };
}
