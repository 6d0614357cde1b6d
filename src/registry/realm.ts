import { bareHost, isForbiddenAddress, isLoopbackHost, isPrivateAddress } from "./network-address.ts";
import { isKnownRealm } from "./known-realms.ts";
import { registrableDomain } from "./registrable-domain.ts";
import { RegistryError } from "./registry-error.ts";

export interface RealmCheck {
  readonly isSecretSent: boolean;
  /** `host[:port]` of token services that the user allowed for this registry. */
  readonly allowedRealms?: readonly string[] | undefined;
}

/**
 * Returns the token service's address that a registry at `origin` named. The registry chose it, and a credential is to be
 * sent there: throws `RegistryError` with code `REALM_REFUSED` unless it is https (or the registry is this machine itself
 * and speaks plain HTTP), and, where `isSecretSent`, of the registry's own domain, known to be its vendor's, or allowed.
 */
export function checkRealm(realm: string, origin: URL, { isSecretSent, allowedRealms = [] }: RealmCheck): URL {
  const url = parseRealm(realm, origin);
  const isSameHost = url.host === origin.host;
  const isLocal = isLoopbackHost(origin.hostname) && isLoopbackHost(url.hostname);
  const isAllowed = allowedRealms.includes(url.host);
  if (url.protocol !== "https:" && !(origin.protocol === "http:" && (isSameHost || isLocal || isAllowed))) {
    throw refused(url, origin, "it is not https");
  }
  if (isSameHost || isLocal || isAllowed) return url;
  if (isForbiddenAddress(url.hostname, false) || isPrivateAddress(url.hostname) || isLoopbackHost(url.hostname)) {
    throw refused(url, origin, "it is an internal address");
  }
  if (isSecretSent && !isOwnRealm(url, origin)) throw refused(url, origin, "it belongs to another domain");
  return url;
}

function parseRealm(realm: string, origin: URL): URL {
  const url = URL.parse(realm, origin.href);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new RegistryError(
      "REALM_REFUSED",
      `Cannot get a token for "${origin.host}": its token service has no valid address`,
    );
  }
  url.username = "";
  url.password = "";
  url.hash = "";
  return url;
}

function isOwnRealm(realm: URL, origin: URL): boolean {
  const [registryHost, realmHost] = [bareHost(origin.hostname), bareHost(realm.hostname)];
  if (isKnownRealm(registryHost, realmHost)) return true;
  const domain = registrableDomain(registryHost);
  return domain !== undefined && domain === registrableDomain(realmHost);
}

function refused(url: URL, origin: URL, reason: string): RegistryError {
  const message = `Cannot get a token for "${origin.host}": the token service "${url.host}" that it names is refused, ${reason}`;
  return new RegistryError("REALM_REFUSED", message, {
    hint: `If it is the right one, allow it: --allow-registry-realm ${origin.host}=${url.host}`,
  });
}
