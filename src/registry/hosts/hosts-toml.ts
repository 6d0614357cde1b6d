import { dirname, resolve } from "node:path";

import { isLoopbackHost } from "../network-address.ts";
import { ALL_CAPABILITIES, type Capability } from "../endpoint.ts";
import { baseUrl } from "./base-url.ts";
import { configFault, unknownKey } from "./config-fault.ts";
import type { HostConfig, RegistryConfig, TlsFiles } from "./host-config.ts";
import { lineOfKey } from "./toml-line.ts";

const HOST_KEYS = ["capabilities", "ca", "client", "skip_verify", "header", "override_path", "dial_timeout"] as const;
const SECTIONS = { "the file": ["server", "host", ...HOST_KEYS], "a host": HOST_KEYS };

/**
 * Reads containerd's `hosts.toml`: its hosts in their order, then `server`, or the registry itself where it names none.
 * Throws `RegistryError` with code `HOSTS_INVALID`, naming the line.
 */
export async function parseHostsToml(file: string, text: string): Promise<RegistryConfig> {
  const table = await parse(file, text);
  const root = new TomlTable({ file, text, table, path: [] });
  const known = new Set(SECTIONS["the file"]);
  root.checkKeys("the file", known);
  const hosts = root.tables("host").map(([address, host]) => {
    host.checkKeys("a host", new Set(HOST_KEYS));
    return host.hostConfig(address);
  });
  const server = root.text("server");
  if (server === undefined) return { hosts, isOriginLast: true };
  return { hosts: [...hosts, root.hostConfig(server)], isOriginLast: false };
}

async function parse(file: string, text: string): Promise<Record<string, unknown>> {
  const { parse: parseToml, TomlError } = await import("smol-toml");
  try {
    return parseToml(text);
  } catch (error) {
    const line = error instanceof TomlError ? error.line : undefined;
    const reason = error instanceof TomlError ? (error.message.split("\n", 1)[0] ?? "") : "";
    throw configFault(file, line, `it is not TOML: ${reason.replace(/^Invalid TOML document: /, "")}`);
  }
}

interface TomlPlace {
  readonly file: string;
  readonly text: string;
  readonly table: Readonly<Record<string, unknown>>;
  /** Keys that lead to the table. */
  readonly path: readonly string[];
}

/** One table of the file, whose faults have their line. */
class TomlTable {
  readonly #place: TomlPlace;

  constructor(place: TomlPlace) {
    this.#place = place;
  }

  checkKeys(section: "the file" | "a host", known: ReadonlySet<string>): void {
    for (const key of Object.keys(this.#place.table)) {
      if (!known.has(key)) throw this.#fault(key, unknownKey(key, section, SECTIONS));
    }
  }

  text(key: string): string | undefined {
    const value = this.#place.table[key];
    if (value === undefined || typeof value === "string") return value;
    throw this.#fault(key, `"${key}" must be text`);
  }

  tables(key: string): (readonly [name: string, table: TomlTable])[] {
    const value = this.#place.table[key];
    if (value === undefined) return [];
    if (!isTable(value)) throw this.#fault(key, `"${key}" must be tables as in [${key}."https://mirror.example.com"]`);
    return Object.entries(value).map(([name, table]) => {
      if (!isTable(table))
        throw this.#fault(key, `"${key}" must be tables as in [${key}."https://mirror.example.com"]`);
      return [name, new TomlTable({ ...this.#place, table, path: [...this.#place.path, key, name] })];
    });
  }

  hostConfig(address: string): HostConfig {
    const overridesPath = this.#boolean("override_path");
    // Accepted because files have it; connections have one limit of their own.
    this.text("dial_timeout");
    return {
      base: this.#base(address, overridesPath),
      capabilities: this.#capabilities(),
      tls: this.#tls(),
      headers: this.#headers(),
    };
  }

  #base(address: string, overridesPath: boolean): URL {
    const host = /^[^/]*/.exec(address)?.[0] ?? "";
    const scheme = isLoopbackHost(host.replace(/:\d+$/, "")) ? "http" : "https";
    try {
      const url = baseUrl(address.includes("://") ? address : `${scheme}://${address}`);
      if (!overridesPath && !url.pathname.endsWith("/v2")) url.pathname = `${url.pathname.replace(/\/$/, "")}/v2`;
      return url;
    } catch (error) {
      throw this.#fault("server", error instanceof Error ? error.message : "it is no address");
    }
  }

  #capabilities(): ReadonlySet<Capability> {
    const names = this.#texts("capabilities");
    if (names === undefined) return ALL_CAPABILITIES;
    const unknown = names.find((name) => !ALL_CAPABILITIES.has(name as Capability));
    if (unknown !== undefined) {
      throw this.#fault("capabilities", `capabilities may be "pull", "resolve" and "push"`);
    }
    return new Set(names as Capability[]);
  }

  #tls(): TlsFiles | undefined {
    const directory = dirname(this.#place.file);
    const ca = (this.#texts("ca") ?? []).map((path) => resolve(directory, path));
    const client = this.#client(directory);
    const skipVerify = this.#boolean("skip_verify");
    return ca.length === 0 && client === undefined && !skipVerify ? undefined : { ca, client, skipVerify };
  }

  /** One file for both, or a pair of certificate and key; of several pairs the first counts. */
  #client(directory: string): TlsFiles["client"] {
    const value = this.#place.table["client"];
    if (value === undefined) return undefined;
    const list: readonly unknown[] = Array.isArray(value) ? (value as unknown[]) : [value];
    const pair: readonly unknown[] = Array.isArray(list[0]) ? (list[0] as unknown[]) : [list[0]];
    const [certificate, key = certificate] = pair;
    if (typeof certificate !== "string" || typeof key !== "string" || pair.length > 2) {
      throw this.#fault(
        "client",
        '"client" must be a path, or pairs of certificate and key: [["client.cert", "client.key"]]',
      );
    }
    if (list.length > 1) throw this.#fault("client", '"client" may name one certificate');
    return {
      certificate: resolve(directory, certificate),
      key: key === "" ? resolve(directory, certificate) : resolve(directory, key),
    };
  }

  #headers(): Readonly<Record<string, string>> | undefined {
    const value = this.#place.table["header"];
    if (value === undefined) return undefined;
    if (!isTable(value)) throw this.#fault("header", '"header" must be a table');
    const headers = Object.entries(value).map(([name, content]) => {
      const text = Array.isArray(content) ? content.join(", ") : content;
      if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || typeof text !== "string" || !/^[\t\x20-\x7e]*$/.test(text)) {
        throw this.#fault("header", "a header must have a name and a text in one line");
      }
      return [name.toLowerCase(), text] as const;
    });
    return Object.fromEntries(headers);
  }

  #texts(key: string): string[] | undefined {
    const value = this.#place.table[key];
    if (value === undefined) return undefined;
    const list: unknown[] = Array.isArray(value) ? (value as unknown[]) : [value];
    if (list.every((item) => typeof item === "string")) return list;
    throw this.#fault(key, `"${key}" must be text or a list of texts`);
  }

  #boolean(key: string): boolean {
    const value = this.#place.table[key];
    if (value === undefined || typeof value === "boolean") return value ?? false;
    throw this.#fault(key, `"${key}" must be true or false`);
  }

  #fault(key: string, reason: string) {
    const { file, text, path } = this.#place;
    return configFault(file, lineOfKey(text, path, key), reason);
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
