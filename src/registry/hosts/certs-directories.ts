import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { configFault } from "./config-fault.ts";
import type { RegistryConfig, TlsFiles } from "./host-config.ts";
import { parseHostsToml } from "./hosts-toml.ts";
import { WatchedFile } from "./watched-file.ts";

const MAX_DIRECTORIES = 1024;

/** Directories of containerd's form: `REGISTRY/hosts.toml`, or without it certificates as docker has them. */
export class CertsDirectories {
  readonly #directories: readonly string[];
  readonly #files = new Map<string, WatchedFile<RegistryConfig>>();

  constructor(directories: readonly string[]) {
    this.#directories = directories;
  }

  /** Returns the hosts of the first of these names that has a `hosts.toml`. Throws `HOSTS_INVALID`. */
  async hostsOf(names: readonly string[]): Promise<RegistryConfig | undefined> {
    for (const path of this.#pathsOf(names)) {
      const found = await this.#file(join(path, "hosts.toml")).read();
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Returns docker's files of the first of these names that has some: `*.crt` for authorities, `*.cert` and `*.key` for us. */
  async certificatesOf(names: readonly string[]): Promise<TlsFiles | undefined> {
    for (const path of this.#pathsOf(names)) {
      const entries = (await list(path)).sort();
      const ca = entries.filter((name) => name.endsWith(".crt")).map((name) => join(path, name));
      const certificate = entries.find((name) => name.endsWith(".cert"));
      const key = certificate?.replace(/\.cert$/, ".key") ?? "";
      if (certificate !== undefined && !entries.includes(key)) {
        throw configFault(join(path, certificate), undefined, `its key "${key}" is missing`);
      }
      const client =
        certificate === undefined ? undefined : { certificate: join(path, certificate), key: join(path, key) };
      if (ca.length > 0 || client !== undefined) return { ca, client, skipVerify: false };
    }
    return undefined;
  }

  /** Reads all files. */
  async check(): Promise<void> {
    for (const directory of this.#directories) {
      for (const name of (await list(directory)).slice(0, MAX_DIRECTORIES)) {
        await this.#file(join(directory, name, "hosts.toml")).read();
      }
    }
  }

  /** Names with a port have a spelling for file systems that know no colon. */
  #pathsOf(names: readonly string[]): string[] {
    const spellings = names.flatMap((name) => {
      const withPort = /^(.*):(\d+)$/.exec(name);
      return withPort === null ? [name] : [`${withPort[1]}_${withPort[2]}_`, name];
    });
    return this.#directories.flatMap((directory) => spellings.map((spelling) => join(directory, spelling)));
  }

  #file(path: string): WatchedFile<RegistryConfig> {
    const existing = this.#files.get(path);
    if (existing !== undefined) return existing;
    const file = new WatchedFile(path, parseHostsToml);
    // Names come from images: anybody can think of more.
    if (this.#files.size > MAX_DIRECTORIES) this.#files.clear();
    this.#files.set(path, file);
    return file;
  }
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw configFault(directory, undefined, messageOf(error), error);
  }
}
