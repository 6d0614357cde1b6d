import { isLoopbackHost } from "./network-address.ts";
import { discardBody } from "./read-body.ts";
import { RegistryError } from "./registry-error.ts";
import { tlsElsewhere } from "./tls-settings.ts";
import type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";

const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a request; redirects of a GET or HEAD are followed, others are not: their bodies are for nobody else. Headers other than `Accept` and `Range` stay with the origin (scheme, host and
 * port) that they were given for, and are not taken up again on the way back. Never goes from https to http.
 */
export async function sendFollowing(transport: Transport, request: TransportRequest): Promise<TransportAnswer> {
  const first = request.url;
  let current = request;
  for (let hops = 0; ; hops++) {
    const answer = await transport.send(current);
    const location = answer.headers["location"];
    const isFollowed = REDIRECTS.has(answer.status) && (request.method === "GET" || request.method === "HEAD");
    if (!isFollowed || typeof location !== "string") return answer;
    discardBody(answer);
    if (hops >= MAX_REDIRECTS) throw refused(first, `it redirects more than ${MAX_REDIRECTS} times`);
    current = redirected(current, location, first);
  }
}

function redirected(request: TransportRequest, location: string, first: URL): TransportRequest {
  const url = URL.parse(location, request.url.href);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw refused(first, "it redirects to an address that is none");
  }
  if (request.url.protocol === "https:" && url.protocol === "http:")
    throw refused(first, "it redirects from https to http");
  // User info in a Location would become credentials of the registry's choosing.
  url.username = "";
  url.password = "";
  url.hash = "";
  if (url.origin === request.url.origin) return { ...request, url };
  const { accept, range } = request.headers;
  const headers = {
    "user-agent": request.headers["user-agent"] ?? "",
    "accept-encoding": "identity",
    ...(accept === undefined ? {} : { accept }),
    ...(range === undefined ? {} : { range }),
  };
  const address = isLoopbackHost(first.hostname) ? "remote-from-loopback" : "remote";
  return { ...request, url, headers, address, tls: tlsElsewhere(request.tls) };
}

function refused(first: URL, reason: string): RegistryError {
  return new RegistryError("REDIRECT_REFUSED", `Cannot follow "${first.host}": ${reason}`);
}
