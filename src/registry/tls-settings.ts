import { createHash } from "node:crypto";

import type { Secret } from "../base/secret.ts";

/** How to speak TLS with one endpoint, beyond trusting the system's certificate authorities. */
export interface TlsSettings {
  /** PEM certificates of authorities that are trusted too. */
  readonly ca?: readonly string[];
  /** The client certificate that the endpoint asks for: never shown to another. */
  readonly client?: ClientCertificate;
  /** Whether any certificate will do. */
  readonly skipVerify?: boolean;
}

/** PEM chain and key. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: Secret;
}

/**
 * Returns what holds for a server that the endpoint sent us to: its authorities, since storage often stands behind the same
 * one, but no client certificate; and verification is skipped nowhere but where somebody said so.
 */
export function tlsElsewhere(tls: TlsSettings | undefined): TlsSettings | undefined {
  return tls?.ca === undefined ? undefined : { ca: tls.ca };
}

/** Returns a key under which connections with these settings may be shared. */
export function tlsKey(tls: TlsSettings | undefined): string {
  if (tls === undefined) return "";
  const { ca = [], client, skipVerify = false } = tls;
  const parts = [...ca, client?.certificate ?? "", client?.key.reveal() ?? "", String(skipVerify)];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
