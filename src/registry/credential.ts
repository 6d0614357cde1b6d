import { createHash } from "node:crypto";

import type { Secret } from "../base/secret.ts";

/** One credential for one registry. */
export type RegistryCredential =
  | { readonly kind: "basic"; readonly username: string; readonly password: Secret }
  /** A refresh token, exchanged for access tokens (docker's `identitytoken`). */
  | { readonly kind: "identity-token"; readonly token: Secret }
  /** An access token, sent as it is (docker's `registrytoken`). */
  | { readonly kind: "registry-token"; readonly token: Secret };

/** Returns the `Authorization` header of Basic authentication (RFC 7617, UTF-8). */
export function basicAuthorization(username: string, password: Secret): string {
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`, "utf8").toString("base64")}`;
}

/** Returns a key that tells credentials apart and does not tell their secrets; empty for none. */
export function credentialKey(credential: RegistryCredential | undefined): string {
  if (credential === undefined) return "";
  const parts =
    credential.kind === "basic"
      ? [credential.kind, credential.username, credential.password.reveal()]
      : [credential.kind, credential.token.reveal()];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
