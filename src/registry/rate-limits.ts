import { type Clock, systemClock } from "../base/clock.ts";
import { RegistryError } from "./registry-error.ts";

/** Nobody is believed who asks for more. */
const MAX_WAIT_MS = 300_000;
const MAX_LIMITS = 256;

interface Limit {
  /** On the monotonic clock. */
  readonly until: number;
  readonly error: RegistryError;
}

/** The limits that registries have put on us, by registry and credential: many pods that want an image are one who asks. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #limits = new Map<string, Limit>();

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Throws `RegistryError` with code `TOO_MANY_REQUESTS` while the registry does not want to be asked. */
  check(key: string): void {
    const limit = this.#limits.get(key);
    if (limit === undefined) return;
    const waitMs = limit.until - this.#clock.monotonic();
    if (waitMs <= 0) {
      this.#limits.delete(key);
      return;
    }
    const { message, hint, status } = limit.error;
    const said = `${message}; not asked again for ${Math.ceil(waitMs / 1000)} s`;
    throw new RegistryError("TOO_MANY_REQUESTS", said, { cause: limit.error, hint, status, retryAfterMs: waitMs });
  }

  /** Takes note of an error that says when to come again. */
  note(key: string, error: unknown): void {
    if (!(error instanceof RegistryError) || error.code !== "TOO_MANY_REQUESTS") return;
    if (error.retryAfterMs === undefined) return;
    const oldest = this.#limits.keys().next().value;
    if (this.#limits.size >= MAX_LIMITS && oldest !== undefined) this.#limits.delete(oldest);
    this.#limits.set(key, { until: this.#clock.monotonic() + Math.min(error.retryAfterMs, MAX_WAIT_MS), error });
  }
}
