import type { Reference } from "../oci/reference.ts";
import type { RegistryCredential } from "./credential.ts";
import { isLoopbackHost } from "./network-address.ts";
import type { TlsSettings } from "./tls-settings.ts";

/** What an endpoint may be asked: what a tag means now, content by its digest, to take content in. */
export type Capability = "resolve" | "pull" | "push";

export const ALL_CAPABILITIES: ReadonlySet<Capability> = new Set(["resolve", "pull", "push"]);

/** One place to ask for a repository. */
export interface Endpoint {
  /** The API's root without a slash at its end, e.g. `https://registry.example.com/v2`. */
  readonly base: URL;
  /** The repository as this endpoint names it. */
  readonly repository: string;
  /** Whether plain HTTP may be spoken where the server does not speak TLS. */
  readonly allowsPlainHttp: boolean;
  /** Whether the credential for the image's registry is for this endpoint too; never so for mirrors. */
  readonly isOrigin: boolean;
  readonly capabilities: ReadonlySet<Capability>;
  /** The endpoint's own credential, from its configuration. */
  readonly credential?: RegistryCredential | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Sent with each request to this endpoint and to no other. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** `host[:port]` of token services outside its domain that may get its credential. */
  readonly allowedRealms?: readonly string[] | undefined;
  /** The registry that a mirror of several is asked for, told as `ns`. */
  readonly namespace?: string | undefined;
}

/** Returns where to ask for an image, in this order. Throws `RegistryError` with code `HOSTS_INVALID` for a configuration that says nothing. */
export type Hosts = (reference: Reference) => Promise<readonly Endpoint[]>;

/** The image's own registry alone; plain HTTP only on this machine. */
export const originHosts: Hosts = (reference) => Promise.resolve([originEndpoint(reference)]);

/** Returns the endpoint of the image's own registry. */
export function originEndpoint({ domain, path }: Reference): Endpoint {
  return {
    base: new URL(`https://${apiHost(domain)}/v2`),
    repository: path,
    allowsPlainHttp: isLoopbackHost(domain.replace(/:\d+$/, "")),
    isOrigin: true,
    capabilities: ALL_CAPABILITIES,
  };
}

/** Returns `host[:port]` of a registry's API. */
export function apiHost(domain: string): string {
  // docker.io serves the web site; its API has a host of its own.
  return domain === "docker.io" || domain === "index.docker.io" ? "registry-1.docker.io" : domain;
}
