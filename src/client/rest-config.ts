import type { Secret } from "../base/secret.ts";

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
