import { open } from "node:fs/promises";

import { failpoint } from "../../base/failpoint.ts";
import { syncfs } from "../../linux/filesystem.ts";

/** Syncs a file system for several at once: who comes while a sync runs shares the next one. */
export class GroupSync {
  readonly #directory: string | undefined;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** `directory` lies on the file system; without one, nothing is ever synced. */
  constructor(directory: string | undefined) {
    this.#directory = directory;
  }

  /** Resolves when everything written before the call is durable. */
  async run(): Promise<void> {
    if (this.#directory === undefined) return;
    this.#next ??= this.#after(this.#running, this.#directory);
    await this.#next;
  }

  async #after(running: Promise<void>, directory: string): Promise<void> {
    // Its failure is told to those who asked for it.
    await running.catch(() => {});
    this.#running = this.#next ?? Promise.resolve();
    this.#next = undefined;
    await failpoint("snapshots.before-sync");
    await using root = await open(directory, "r");
    await syncfs(root.fd);
  }
}
