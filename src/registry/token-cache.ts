import { type Clock, systemClock } from "../base/clock.ts";
import { credentialKey } from "./credential.ts";
import { fetchToken, type TokenRequest } from "./token.ts";
import type { Transport } from "./transport.ts";

const MAX_TOKENS = 256;

interface CachedToken {
  readonly token: Promise<string>;
  /** On the monotonic clock. */
  expiresAt: number;
}

/** Access tokens while they live, each for one credential, service and scope. Who asks at the same time shares one request. */
export class TokenCache {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, CachedToken>();

  constructor(transport: Transport, clock: Clock = systemClock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /** Returns a token; a new one where `isRefused` says that the one at hand no longer does. Throws as `fetchToken`. */
  async get(request: TokenRequest, isRefused = false): Promise<string> {
    const key = keyOf(request);
    const cached = this.#tokens.get(key);
    if (!isRefused && cached !== undefined && cached.expiresAt > this.#clock.monotonic()) return await cached.token;
    const entry: CachedToken = { token: this.#fetch(request, key), expiresAt: Number.POSITIVE_INFINITY };
    this.#tokens.delete(key);
    this.#tokens.set(key, entry);
    this.#dropOldest();
    return await entry.token;
  }

  async #fetch(request: TokenRequest, key: string): Promise<string> {
    try {
      // Shared with others, who would not want one caller's abort; it has time limits of its own.
      const { token, lifetimeMs } = await fetchToken(this.#transport, { ...request, signal: undefined });
      const entry = this.#tokens.get(key);
      if (entry !== undefined) entry.expiresAt = this.#clock.monotonic() + lifetimeMs;
      return token;
    } catch (error) {
      this.#tokens.delete(key);
      throw error;
    }
  }

  #dropOldest(): void {
    const oldest = this.#tokens.keys().next().value;
    if (this.#tokens.size > MAX_TOKENS && oldest !== undefined) this.#tokens.delete(oldest);
  }
}

function keyOf({ realm, service, scopes, credential }: TokenRequest): string {
  return [realm.href, service ?? "", ...scopes, credentialKey(credential)].map(encodeURIComponent).join(" ");
}
