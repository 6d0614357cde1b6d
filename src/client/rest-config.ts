import type { OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import { Secret } from "../base/secret.ts";

/** How to reach an API server and who to be there. Certificates and keys are PEM text. */
export interface RestConfig {
  /** `https://host:port`, with a path where the API hangs below one. */
  readonly server: string;
  /** The authorities the server's certificate is checked against; the system's by default. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | Secret | undefined;
  readonly token?: string | Secret | undefined;
  readonly userAgent?: string | undefined;
  /** The name expected in the server's certificate, where it is not the host of `server`. */
  readonly tlsServerName?: string | undefined;
  readonly insecureSkipTlsVerify?: boolean | undefined;
}

/** Returns how to make the connection: whom to trust and which certificate to show. */
export function tlsOptions(config: RestConfig): SecureClientSessionOptions {
  return {
    ALPNProtocols: ["h2"],
    rejectUnauthorized: config.insecureSkipTlsVerify !== true,
    ...(config.ca !== undefined && { ca: config.ca }),
    ...(config.cert !== undefined && { cert: config.cert }),
    ...(config.key !== undefined && { key: revealed(config.key) }),
    ...(config.tlsServerName !== undefined && { servername: config.tlsServerName }),
  };
}

/** Returns the headers that say who asks, of each request. */
export function identityHeaders(config: RestConfig): () => OutgoingHttpHeaders {
  const token = typeof config.token === "string" ? new Secret(config.token) : config.token;
  const fixed = { accept: "application/json", "user-agent": config.userAgent ?? "berth" };
  return () => (token === undefined ? fixed : { ...fixed, authorization: `Bearer ${token.reveal()}` });
}

function revealed(text: string | Secret): string {
  return typeof text === "string" ? text : text.reveal();
}
