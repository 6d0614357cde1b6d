import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { ClientIdentity } from "./api-request.ts";

const NOBODY: ClientIdentity = {};
// Reading a certificate costs more than many requests; a connection's never changes.
const identities = new WeakMap<object, ClientIdentity>();

/** Returns what the TLS connection of a request proved. */
export function clientIdentityOf(request: IncomingMessage | Http2ServerRequest): ClientIdentity {
  const connection = ("stream" in request ? request.stream.session : request.socket) ?? request;
  let identity = identities.get(connection);
  if (identity === undefined) {
    identity = identityOf(request.socket as TLSSocket);
    identities.set(connection, identity);
  }
  return identity;
}

function identityOf(socket: TLSSocket): ClientIdentity {
  if (!socket.authorized) return NOBODY;
  const certificate = socket.getPeerCertificate();
  const subject: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined = certificate.subject;
  if (subject === undefined) return NOBODY;
  const [commonName = ""] = listOf(subject.CN);
  return { certificate: { commonName, organizations: listOf(subject.O) } };
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}
