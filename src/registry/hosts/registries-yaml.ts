import { dirname, resolve } from "node:path";

import { Secret } from "../../base/secret.ts";
import type { RegistryCredential } from "../credential.ts";
import { isLoopbackHost } from "../network-address.ts";
import type { HostConfig, HostSettings, Rewrite, TlsFiles } from "./host-config.ts";
import { baseUrl } from "./base-url.ts";
import { type YamlEntry, YamlReader } from "./yaml-reader.ts";

/** What k3s' `registries.yaml` says: mirrors by registry, settings by host; `*` for those that have none of their own. */
export interface RegistriesFile {
  readonly mirrors: ReadonlyMap<string, readonly HostConfig[]>;
  readonly settings: ReadonlyMap<string, HostSettings>;
}

const SECTIONS = {
  "the file": ["mirrors", "configs"],
  "a mirror": ["endpoint", "rewrite"],
  "an entry of configs": ["auth", "tls"],
  auth: ["username", "password", "auth", "identity_token"],
  tls: ["ca_file", "cert_file", "key_file", "insecure_skip_verify"],
} as const;

/** Reads a `registries.yaml`. Throws `RegistryError` with code `HOSTS_INVALID`, naming the line. */
export async function parseRegistriesYaml(file: string, text: string): Promise<RegistriesFile> {
  const reader = new YamlReader(await import("yaml"), file, text);
  const mirrors = new Map<string, readonly HostConfig[]>();
  const settings = new Map<string, HostSettings>();
  for (const section of reader.entries(reader.root, "the file", SECTIONS)) {
    for (const entry of reader.entries(section.value, section.key)) {
      if (section.key === "mirrors") mirrors.set(entry.key, readMirror(reader, entry));
      else settings.set(entry.key, readSettings(reader, entry, dirname(file)));
    }
  }
  return { mirrors, settings };
}

function readMirror(reader: YamlReader, mirror: YamlEntry): HostConfig[] {
  const entries = reader.entries(mirror.value, "a mirror", SECTIONS);
  const endpoints = entries.filter(({ key }) => key === "endpoint").flatMap((entry) => reader.texts(entry));
  const rewrites = entries
    .filter(({ key }) => key === "rewrite")
    .flatMap((entry) => reader.entries(entry.value, "rewrite"))
    .map((entry) => readRewrite(reader, entry));
  return endpoints.map(({ text, line }) => ({
    base: reader.parsed({ line }, () => endpointBase(text)),
    rewrites,
  }));
}

/** Without a scheme it is https, but http for a port of this machine; a path replaces `/v2`. */
function endpointBase(text: string): URL {
  const [, host = ""] = /^([^/]*)/.exec(text) ?? [];
  const isLocal = isLoopbackHost(host.replace(/:\d+$/, "")) && /:\d+$/.test(host) && !host.endsWith(":443");
  const url = baseUrl(text.includes("://") ? text : `${isLocal ? "http" : "https"}://${text}`);
  if (url.pathname === "/") url.pathname = "/v2";
  return url;
}

/** The patterns are Go's; what differs in JavaScript's is refused, not guessed. */
function readRewrite(reader: YamlReader, entry: YamlEntry): Rewrite {
  const replacement = reader.text(entry).replaceAll(/\$\{(\d+)\}/g, "$$$1");
  return reader.parsed(entry, () => ({ pattern: patternOf(entry.key), replacement }));
}

function patternOf(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch (error) {
    throw new Error("the pattern of a rewrite is no regular expression", { cause: error });
  }
}

function readSettings(reader: YamlReader, host: YamlEntry, directory: string): HostSettings {
  const settings: { credential?: RegistryCredential | undefined; tls?: TlsFiles } = {};
  for (const entry of reader.entries(host.value, "an entry of configs", SECTIONS)) {
    // A password for all hosts would be one for strangers.
    if (entry.key === "auth" && host.key === "*") throw reader.fault(entry.value, 'auth needs a host, not "*"');
    if (entry.key === "auth") settings.credential = readAuth(reader, entry);
    else settings.tls = readTls(reader, entry, directory);
  }
  return settings;
}

function readAuth(reader: YamlReader, auth: YamlEntry): RegistryCredential | undefined {
  const entries = reader.entries(auth.value, "auth", SECTIONS);
  const fields = new Map(entries.map((entry) => [entry.key, reader.text(entry)]));
  const identityToken = fields.get("identity_token");
  if (identityToken !== undefined) return { kind: "identity-token", token: new Secret(identityToken) };
  const [username, password] = [fields.get("username"), fields.get("password")];
  if (username !== undefined || password !== undefined) {
    if (username !== undefined && password !== undefined) return basic(username, password);
    throw reader.fault(auth.value, `auth has a ${username === undefined ? "password" : "username"} but not both`);
  }
  const encoded = fields.get("auth");
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) throw reader.fault(auth.value, '"auth" must be "username:password" in base64');
  return basic(decoded.slice(0, colon), decoded.slice(colon + 1));
}

function basic(username: string, password: string): RegistryCredential {
  return { kind: "basic", username, password: new Secret(password) };
}

function readTls(reader: YamlReader, tls: YamlEntry, directory: string): TlsFiles {
  const entries = new Map(reader.entries(tls.value, "tls", SECTIONS).map((entry) => [entry.key, entry]));
  const path = (key: string) => {
    const entry = entries.get(key);
    const text = entry === undefined ? "" : reader.text(entry);
    return text === "" ? undefined : resolve(directory, text);
  };
  const [ca, certificate, key] = [path("ca_file"), path("cert_file"), path("key_file")];
  if ((certificate === undefined) !== (key === undefined)) {
    throw reader.fault(tls.value, `tls has a ${certificate === undefined ? "key_file" : "cert_file"} but not both`);
  }
  const skip = entries.get("insecure_skip_verify");
  return {
    ca: ca === undefined ? [] : [ca],
    client: certificate === undefined || key === undefined ? undefined : { certificate, key },
    skipVerify: skip !== undefined && reader.boolean(skip),
  };
}
