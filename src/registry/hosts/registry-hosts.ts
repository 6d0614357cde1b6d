import { access } from "node:fs/promises";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { parseReference, type Reference } from "../../oci/reference.ts";
import { ALL_CAPABILITIES, apiHost, type Capability, type Endpoint, type Hosts, originEndpoint } from "../endpoint.ts";
import { RegistryError } from "../registry-error.ts";
import { CertsDirectories } from "./certs-directories.ts";
import { configFault } from "./config-fault.ts";
import type { HostConfig, HostSettings, RegistryConfig } from "./host-config.ts";
import { loadTls } from "./load-tls.ts";
import { parseRegistriesYaml, type RegistriesFile } from "./registries-yaml.ts";
import { WatchedFile } from "./watched-file.ts";

export interface RegistryHostsOptions {
  /** `registries.yaml` files in the order of their precedence: the first that is there counts. */
  readonly registriesFiles: readonly string[];
  /** Directories of containerd's form, `REGISTRY/hosts.toml`, in the order of their precedence. */
  readonly certsDirectories: readonly string[];
  /** Those of the files and directories that somebody named: to lack one is a mistake. */
  readonly mustExist?: readonly string[];
  /** `REGISTRY=REALM` pairs of `host[:port]`: token services outside a registry's domain that may get its credential. */
  readonly allowedRealms?: readonly string[];
  /** Whether a registry that has mirrors is left alone itself. */
  readonly mirrorsOnly?: boolean;
}

/** Where to ask for images, as configuration files say; they are read again when they change. */
export interface RegistryHosts {
  readonly hosts: Hosts;
  /** Reads all files. Throws `RegistryError` with code `HOSTS_INVALID` for the first that nobody can follow. */
  check(): Promise<void>;
}

/**
 * For a registry its entry among the mirrors of `registries.yaml` counts, else its directory of `hosts.toml`, else the
 * mirrors of `*`, else the directory `_default`, else the registry itself alone. What `configs` of `registries.yaml` says of a
 * host holds wherever the host was named.
 */
export function openRegistryHosts(options: RegistryHostsOptions): RegistryHosts {
  const files = options.registriesFiles.map((path) => new WatchedFile(path, parseRegistriesYaml));
  const certs = new CertsDirectories(options.certsDirectories);
  const registries = async (): Promise<RegistriesFile> => {
    for (const file of files) {
      const content = await file.read();
      if (content !== undefined) return content;
    }
    return { mirrors: new Map(), settings: new Map() };
  };
  return {
    hosts: async (reference) => {
      const file = await registries();
      const config = (await configOf(reference.domain, file, certs)) ?? { hosts: [], isOriginLast: true };
      const endpoints = await endpointsOf(reference, config, {
        file,
        certs,
        mirrorsOnly: options.mirrorsOnly ?? false,
      });
      return endpoints.map((endpoint) => ({ ...endpoint, allowedRealms: realmsOf(endpoint, options) }));
    },
    check: async () => {
      for (const path of options.mustExist ?? []) await access(path).catch(missing(path));
      await registries();
      await certs.check();
    },
  };
}

function realmsOf({ base }: Endpoint, { allowedRealms = [] }: RegistryHostsOptions): string[] {
  const opening = `${base.host}=`;
  return allowedRealms.filter((pair) => pair.startsWith(opening)).map((pair) => pair.slice(opening.length));
}

function missing(path: string): (error: unknown) => never {
  return (error) => {
    throw configFault(path, undefined, codeOf(error) === "ENOENT" ? "there is no such file" : messageOf(error), error);
  };
}

async function configOf(
  domain: string,
  { mirrors }: RegistriesFile,
  certs: CertsDirectories,
): Promise<RegistryConfig | undefined> {
  const ofMirrors = (hosts: readonly HostConfig[] | undefined) => hosts && { hosts, isOriginLast: true };
  const names = namesOf(domain);
  const own = names.map((name) => mirrors.get(name)).find((hosts) => hosts !== undefined);
  return (
    ofMirrors(own) ?? (await certs.hostsOf(names)) ?? ofMirrors(mirrors.get("*")) ?? (await certs.hostsOf(["_default"]))
  );
}

/** The names under which a registry may be configured. */
function namesOf(domain: string): readonly string[] {
  return domain === "docker.io" ? ["docker.io", "registry-1.docker.io", "index.docker.io"] : [domain];
}

const MIRROR_CAPABILITIES: ReadonlySet<Capability> = new Set(["resolve", "pull"]);

interface Sources {
  readonly file: RegistriesFile;
  readonly certs: CertsDirectories;
  readonly mirrorsOnly: boolean;
}

async function endpointsOf(reference: Reference, config: RegistryConfig, sources: Sources): Promise<Endpoint[]> {
  const origin = originEndpoint(reference);
  const named = await Promise.all(config.hosts.map((host) => endpointOf(reference, host, sources)));
  const isNamed = named.some(({ isOrigin }) => isOrigin);
  const isLast = config.isOriginLast && !isNamed && !(sources.mirrorsOnly && named.length > 0);
  if (!isLast) return named;
  const settings = settingsOf(reference.domain, sources.file);
  const tls = settings.tls ?? (await sources.certs.certificatesOf(namesOf(reference.domain)));
  return [...named, { ...origin, credential: settings.credential, tls: await loadTls(tls) }];
}

async function endpointOf(reference: Reference, host: HostConfig, { file }: Sources): Promise<Endpoint> {
  const { base, headers } = host;
  const isOrigin = base.host === hostOf(reference.domain, base);
  const capabilities = host.capabilities ?? (isOrigin ? ALL_CAPABILITIES : MIRROR_CAPABILITIES);
  const settings = settingsOf(base.host, file);
  const tls = await loadTls(host.tls ?? settings.tls);
  // A mirror of many registries is told which one is meant; a registry that is asked for its own is not.
  const namespace = isOrigin ? undefined : reference.domain;
  const repository = rewritten(reference.path, host);
  const { credential } = settings;
  return { base, repository, allowsPlainHttp: false, isOrigin, capabilities, credential, tls, headers, namespace };
}

/** As a URL of this scheme writes it: without the port that goes without saying. */
function hostOf(domain: string, { protocol }: URL): string {
  return URL.parse(`${protocol}//${apiHost(domain)}`)?.host ?? domain;
}

function settingsOf(host: string, { settings }: RegistriesFile): HostSettings {
  const names = host === "registry-1.docker.io" ? namesOf("docker.io") : namesOf(host);
  const own = names.map((name) => settings.get(name)).find((found) => found !== undefined);
  if (own !== undefined) return own;
  return settings.get("*") ?? {};
}

function rewritten(path: string, { base, rewrites = [] }: HostConfig): string {
  const rule = rewrites.find(({ pattern }) => pattern.test(path));
  if (rule === undefined) return path;
  const repository = path.replace(rule.pattern, rule.replacement);
  if (isRepository(repository)) return repository;
  throw new RegistryError(
    "HOSTS_INVALID",
    `Cannot ask "${base.host}" for "${path}": the rewrite ${JSON.stringify(rule.pattern.source)} makes no repository of it`,
  );
}

function isRepository(path: string): boolean {
  try {
    return parseReference(`registry.invalid/${path}`).path === path;
  } catch {
    return false;
  }
}
