import { Secret } from "../base/secret.ts";
import type { AuthConfig } from "../cri/image-service.ts";
import type { Reference } from "../oci/reference.ts";
import type { RegistryCredential } from "../registry/credential.ts";

/** Returns the credential of a pull request; undefined where it holds none, or one that is for another registry than the image's. */
export function credentialOfAuth(auth: AuthConfig | undefined, reference: Reference): RegistryCredential | undefined {
  if (auth === undefined || !isFor(auth.serverAddress, reference.domain)) return undefined;
  const { registryToken, identityToken } = auth;
  if (isSet(registryToken)) return { kind: "registry-token", token: new Secret(registryToken) };
  if (isSet(identityToken)) return { kind: "identity-token", token: new Secret(identityToken) };
  if (isSet(auth.username) || isSet(auth.password)) {
    return { kind: "basic", username: auth.username ?? "", password: new Secret(auth.password ?? "") };
  }
  return isSet(auth.auth) ? decodeAuth(auth.auth) : undefined;
}

/** `auth` of docker's config files: `user:password` in base64. */
function decodeAuth(auth: string): RegistryCredential | undefined {
  const text = Buffer.from(auth, "base64").toString("utf8").replace(/\0+$/, "");
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { kind: "basic", username: text.slice(0, colon), password: new Secret(text.slice(colon + 1)) };
}

function isFor(serverAddress: string | undefined, domain: string): boolean {
  if (!isSet(serverAddress)) return true;
  const host = serverAddress.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
  return originOf(host) === originOf(domain);
}

function originOf(host: string): string {
  const lower = host.toLowerCase().replace(/:443$/, "");
  return lower === "index.docker.io" || lower === "registry-1.docker.io" ? "docker.io" : lower;
}

function isSet(text: string | undefined): text is string {
  return text !== undefined && text !== "";
}
