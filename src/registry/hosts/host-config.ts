import type { RegistryCredential } from "../credential.ts";
import type { Capability } from "../endpoint.ts";

/** A host as a configuration file names it: where, and what may be asked there. */
export interface HostConfig {
  /** The API's root without a slash at its end. */
  readonly base: URL;
  /** Where the file does not say: everything for a registry itself, reading alone for a mirror of it. */
  readonly capabilities?: ReadonlySet<Capability> | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Rules that rename repositories for this host; the first that matches counts. */
  readonly rewrites?: readonly Rewrite[] | undefined;
}

export interface Rewrite {
  readonly pattern: RegExp;
  readonly replacement: string;
}

/** Paths of PEM files. */
export interface TlsFiles {
  readonly ca: readonly string[];
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
  readonly skipVerify: boolean;
}

/** The hosts for one registry. */
export interface RegistryConfig {
  readonly hosts: readonly HostConfig[];
  /** Whether the registry itself is asked last, though it is not among the hosts. */
  readonly isOriginLast: boolean;
}

/** What belongs to a host wherever it is named. */
export interface HostSettings {
  readonly credential?: RegistryCredential | undefined;
  readonly tls?: TlsFiles | undefined;
}
