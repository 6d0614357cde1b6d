import { readFile, stat } from "node:fs/promises";

import { codeOf, messageOf } from "../../base/coded-error.ts";
import { configFault } from "./config-fault.ts";

const MAX_BYTES = 1024 * 1024;

/** A configuration file that is parsed again when it changed. */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #parse: (path: string, text: string) => Promise<T>;
  #version = "";
  #content: Promise<T> | undefined;

  constructor(path: string, parse: (path: string, text: string) => Promise<T>) {
    this.#path = path;
    this.#parse = parse;
  }

  /** Returns what the file says now; undefined where there is none. Throws `RegistryError` with code `HOSTS_INVALID`. */
  async read(): Promise<T | undefined> {
    const version = await this.#currentVersion();
    if (version === undefined) return undefined;
    if (this.#content === undefined || version !== this.#version) {
      this.#version = version;
      this.#content = this.#load();
      this.#content.catch(() => {});
    }
    return await this.#content;
  }

  async #currentVersion(): Promise<string | undefined> {
    try {
      const { mtimeNs, ctimeNs, size, ino } = await stat(this.#path, { bigint: true });
      if (size > MAX_BYTES) throw configFault(this.#path, undefined, `it is larger than ${MAX_BYTES} bytes`);
      return [mtimeNs, ctimeNs, size, ino].join(" ");
    } catch (error) {
      if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
      throw codeOf(error) === "HOSTS_INVALID" ? error : configFault(this.#path, undefined, messageOf(error), error);
    }
  }

  async #load(): Promise<T> {
    try {
      return await this.#parse(this.#path, await readFile(this.#path, "utf8"));
    } catch (error) {
      throw codeOf(error) === "HOSTS_INVALID" ? error : configFault(this.#path, undefined, messageOf(error), error);
    }
  }
}
