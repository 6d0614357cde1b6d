import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";

import { createAuthority, issueServingCertificate } from "../pki/key-pair.ts";

/** A request as a simulated host sees it. */
export interface SimulatedRequest {
  readonly scheme: "http" | "https";
  /** `host[:port]` that was asked. */
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly httpVersion: string;
  readonly body: Buffer;
  /** Subject of the client certificate, where one was shown. */
  readonly client: string | undefined;
}

/** What a simulated host answers; a body may break off or stand still after so many bytes. */
export interface SimulatedAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  readonly breakAfter?: number;
  readonly hangAfter?: number;
}

/** Plays one host, or `undefined` to close the connection without an answer. */
export type SimulatedHost = (
  request: SimulatedRequest,
) => SimulatedAnswer | undefined | Promise<SimulatedAnswer | undefined>;

export interface RegistrySimulatorOptions {
  /** `user:password` that the proxy itself asks for. */
  readonly proxyUser?: string;
}

/**
 * Any number of hosts behind one forward proxy, each under its own name and scheme, TLS with HTTP/2 and HTTP/1.1 included:
 * whoever sends through `proxyUrl` and trusts `ca` meets them as on the internet. Names without a host get 502.
 */
export interface RegistrySimulator extends AsyncDisposable {
  readonly proxyUrl: URL;
  /** PEM certificate of the authority that signed the hosts' certificates. */
  readonly ca: string;
  /** Plays these hosts from now on, by `host[:port]`; what was seen before is forgotten. */
  play(hosts: Readonly<Record<string, SimulatedHost>>): void;
  /** All requests since the last `play`. */
  readonly seen: readonly SimulatedRequest[];
}

/** Starts a simulator whose certificate is good for `names`. */
export async function openRegistrySimulator(
  names: readonly string[],
  options: RegistrySimulatorOptions = {},
): Promise<RegistrySimulator> {
  const authority = await createAuthority("registry simulator");
  const serving = await issueServingCertificate(authority, { commonName: "simulator", names });
  const stage = new Stage();
  const sockets = new Set<Socket>();
  const secure = createSecureServer({
    key: serving.key.reveal(),
    cert: serving.certificate,
    ca: authority.certificate,
    allowHTTP1: true,
    requestCert: true,
    rejectUnauthorized: false,
  });
  secure.on("request", (request, response) => void stage.serve("https", request, response));
  secure.on("error", () => {});
  const proxy = createServer((request, response) => {
    if (isRefused(request, options)) response.writeHead(407, { "proxy-authenticate": "Basic" }).end();
    else void stage.serve("http", request, response);
  });
  proxy.on("connect", (request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => {});
    if (isRefused(request, options)) {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    } else if (!stage.knows(request.url ?? "")) {
      socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    } else {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      secure.emit("connection", socket);
    }
  });
  proxy.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    proxyUrl: new URL(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`),
    ca: authority.certificate,
    play: (hosts) => stage.play(hosts),
    seen: stage.seen,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}

function isRefused({ headers }: IncomingMessage, { proxyUser }: RegistrySimulatorOptions): boolean {
  if (proxyUser === undefined) return false;
  return headers["proxy-authorization"] !== `Basic ${Buffer.from(proxyUser).toString("base64")}`;
}

/** The hosts that are played, and what they saw. */
class Stage {
  #hosts: Readonly<Record<string, SimulatedHost>> = {};
  readonly seen: SimulatedRequest[] = [];

  play(hosts: Readonly<Record<string, SimulatedHost>>): void {
    this.#hosts = hosts;
    this.seen.length = 0;
  }

  /** `authority` has its port in any case. */
  knows(authority: string): boolean {
    return Object.keys(this.#hosts).some((host) => host === authority || `${host}:443` === authority);
  }

  async serve(
    scheme: "http" | "https",
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): Promise<void> {
    try {
      const asked = await readRequest(scheme, request);
      this.seen.push(asked);
      const host = Object.hasOwn(this.#hosts, asked.host) ? this.#hosts[asked.host] : undefined;
      const answer = host === undefined ? { status: 502 } : await host(asked);
      if (answer === undefined) cut(request, response);
      else await send(answer, { request, response, isHead: asked.method === "HEAD" });
    } catch {
      // The client went away, which is its right.
      cut(request, response);
    }
  }
}

async function readRequest(
  scheme: "http" | "https",
  request: IncomingMessage | Http2ServerRequest,
): Promise<SimulatedRequest> {
  const { headers } = request;
  const authority = String(headers[":authority"] ?? headers.host ?? "");
  const url = new URL(request.url ?? "/", `${scheme}://${authority}`);
  return {
    scheme,
    host: url.host,
    method: request.method ?? "",
    path: url.pathname,
    query: url.searchParams,
    headers,
    httpVersion: request.httpVersion,
    body: await buffer(request),
    client: clientOf(request),
  };
}

function clientOf({ socket }: IncomingMessage | Http2ServerRequest): string | undefined {
  if (!("getPeerCertificate" in socket) || typeof socket.getPeerCertificate !== "function") return undefined;
  const certificate = (socket.getPeerCertificate as () => { readonly subject?: { readonly CN?: string } })();
  return certificate.subject?.CN;
}

interface Exchange {
  readonly request: IncomingMessage | Http2ServerRequest;
  readonly response: ServerResponse | Http2ServerResponse;
  readonly isHead: boolean;
}

async function send(answer: SimulatedAnswer, { request, response, isHead }: Exchange): Promise<void> {
  const { status = 200, headers = {}, body = "", breakAfter, hangAfter } = answer;
  const bytes = Buffer.from(body);
  for (const [name, value] of Object.entries(headers)) {
    (response as ServerResponse).setHeader(name, typeof value === "string" ? value : [...value]);
  }
  response.statusCode = status;
  const stop = breakAfter ?? hangAfter;
  if (stop === undefined || isHead) {
    (response as ServerResponse).end(isHead ? undefined : bytes);
    return;
  }
  await new Promise<void>((resolve) => (response as ServerResponse).write(bytes.subarray(0, stop), () => resolve()));
  if (breakAfter !== undefined) cut(request, response);
}

/** HTTP/2 resets one stream, HTTP/1.1 the connection. */
function cut(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void {
  if ("stream" in response) response.stream?.close(2);
  else request.destroy();
}
