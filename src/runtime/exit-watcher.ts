import { type FSWatcher, readFileSync, statSync, watch } from "node:fs";
import { join } from "node:path";

/** How a container ended, as conmon wrote it down. */
export interface ContainerExit {
  readonly id: string;
  /** 128 plus the signal's number for a process ended by a signal. */
  readonly exitCode: number;
  /** Milliseconds since the epoch. */
  readonly finishedAt: number;
}

/** Watches the directory in which conmon writes how containers end. */
export class ExitWatcher {
  readonly #directory: string;
  readonly #onExit: (exit: ContainerExit) => void;
  readonly #watcher: FSWatcher;

  /** Calls `onExit` for each container that ends from now on, at least once each. */
  constructor(directory: string, onExit: (exit: ContainerExit) => void) {
    this.#directory = directory;
    this.#onExit = onExit;
    this.#watcher = watch(directory, (_event, name) => {
      if (name !== null) this.#report(name);
    });
    // Where the watch breaks, its owner still looks now and then.
    this.#watcher.on("error", () => this.#watcher.close());
  }

  close(): void {
    this.#watcher.close();
  }

  #report(name: string): void {
    const exit = readExit(this.#directory, name);
    if (exit !== undefined) this.#onExit(exit);
  }
}

/** Returns how a container ended, or undefined while it runs or where nobody saw it end. */
export function readExit(directory: string, id: string): ContainerExit | undefined {
  // conmon writes a temporary file first, with a dot in its name.
  if (!/^[0-9a-z-]+$/.test(id)) return undefined;
  const path = join(directory, id);
  try {
    const text = readFileSync(path, "utf8").trim();
    if (!/^\d{1,3}$/.test(text)) return undefined;
    return { id, exitCode: Number(text), finishedAt: Math.round(statSync(path).mtimeMs) };
  } catch {
    // ENOENT: not ended, or removed meanwhile.
    return undefined;
  }
}
