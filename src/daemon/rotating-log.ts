import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";

import { codeOf } from "../base/coded-error.ts";

/** A log file that is renamed to `<path>.1` when it has grown to `maxBytes`; one old file is kept. */
export class RotatingLog {
  readonly #path: string;
  readonly #maxBytes: number;
  #fd: number;
  #size: number;

  constructor(path: string, maxBytes = 10 * 1024 * 1024) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#fd = openSync(path, "a", 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  /** Appends at once. A full disk loses the lines, never the program. */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    try {
      if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) this.#rotate();
      this.#size += writeSync(this.#fd, bytes);
    } catch (error) {
      if (codeOf(error) !== "ENOSPC" && codeOf(error) !== "EDQUOT") throw error;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #rotate(): void {
    const old = `${this.#path}.1`;
    rmSync(old, { force: true });
    renameSync(this.#path, old);
    const fd = openSync(this.#path, "a", 0o600);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = 0;
  }
}
