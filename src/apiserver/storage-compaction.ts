import { codeOf } from "../base/coded-error.ts";
import type { Logger } from "../base/log.ts";
import type { Storage } from "../storage/storage.ts";

const INTERVAL_MS = 300_000;

/** Forgets history older than between five and ten minutes, again and again, until `signal` aborts. */
export function compactRegularly(storage: Storage, logger: Logger, signal: AbortSignal): void {
  let previous = 0;
  const compact = async () => {
    const revision = await storage.revision();
    if (previous > 0) await storage.compact(previous);
    previous = revision;
  };
  const timer = setInterval(() => {
    compact().catch((error: unknown) => {
      // Nothing happened since, or another server did it.
      if (codeOf(error) !== "COMPACTED") logger.warn({ error }, "the storage could not be compacted");
    });
  }, INTERVAL_MS).unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
