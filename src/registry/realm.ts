import { bareHost, isForbiddenAddress, isLoopbackHost, isPrivateAddress } from "./network-address.ts";
import { RegistryError } from "./registry-error.ts";

/** Token services outside their registry's own domain that are known to be its own. */
const KNOWN_REALMS: readonly (readonly [registry: string, realm: string])[] = [
  ["registry-1.docker.io", "auth.docker.io"],
  ["registry.gitlab.com", "gitlab.com"],
];

/** Parts of domain names under which anybody may register (`co.uk`): sharing one of them makes nobody kin. */
const SECOND_LEVEL = new Set(["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"]);

/**
 * Returns the token service's address that a registry at `origin` named. The registry chose it, and a credential is to be
 * sent there: throws `RegistryError` with code `REALM_REFUSED` unless it is https (or the registry is this machine itself
 * and speaks plain HTTP), and, where `isSecretSent`, of the registry's own domain.
 */
export function checkRealm(realm: string, origin: URL, isSecretSent: boolean): URL {
  const url = parseRealm(realm, origin);
  const isSameHost = url.host === origin.host;
  const isLocal = isLoopbackHost(origin.hostname) && isLoopbackHost(url.hostname);
  if (url.protocol !== "https:" && !(origin.protocol === "http:" && (isSameHost || isLocal))) {
    throw refused(url, origin, "it is not https");
  }
  if (isSameHost || isLocal) return url;
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
  if (KNOWN_REALMS.some(([registry, known]) => registry === registryHost && known === realmHost)) return true;
  return registrableDomain(registryHost) === registrableDomain(realmHost);
}

/** The part of a name that somebody registered, as far as it can be told without a list of all suffixes. */
function registrableDomain(host: string): string {
  if (/^[\d.]+$|:/.test(host)) return host;
  const labels = host.split(".");
  const second = labels.at(-2) ?? "";
  const isWideSuffix = labels.length > 2 && (labels.at(-1) ?? "").length === 2 && SECOND_LEVEL.has(second);
  return labels.slice(isWideSuffix ? -3 : -2).join(".");
}

function refused(url: URL, origin: URL, reason: string): RegistryError {
  const message = `Cannot get a token for "${origin.host}": the token service "${url.host}" that it names is refused, ${reason}`;
  return new RegistryError("REALM_REFUSED", message);
}
