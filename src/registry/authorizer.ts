import { isLoopbackHost } from "./network-address.ts";
import type { Challenge } from "./challenge.ts";
import { basicAuthorization, type RegistryCredential } from "./credential.ts";
import { checkRealm } from "./realm.ts";
import { RegistryError } from "./registry-error.ts";
import { tlsElsewhere, type TlsSettings } from "./tls-settings.ts";
import type { TokenCache } from "./token-cache.ts";
import type { TokenRequest } from "./token.ts";

export interface AuthorizerOptions {
  /** Of the registry's API: what the credential is for. */
  readonly origin: URL;
  readonly credential: RegistryCredential | undefined;
  readonly tokens: TokenCache;
  /** The last challenge of each origin, kept over many pulls: who is known to ask need not ask again. */
  readonly challenges: Map<string, Challenge>;
  /** `host[:port]` of token services that the user allowed for this registry. */
  readonly allowedRealms?: readonly string[] | undefined;
  readonly tls?: TlsSettings | undefined;
  /** What we want to do, e.g. `repository:library/busybox:pull`; empty where only the registry knows. */
  readonly scopes: readonly string[];
}

const MAX_CHALLENGES = 256;

/** Makes `Authorization` headers for one registry, one repository and one credential. */
export class Authorizer {
  readonly #options: AuthorizerOptions;
  #challenge: Challenge | undefined;
  #scopes: ReadonlySet<string>;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
    // Of an earlier challenge only the way to authenticate counts: its scope was that of another pull.
    this.#challenge = options.challenges.get(options.origin.origin);
    this.#scopes = new Set(options.scopes);
  }

  /** What kind of credential the registry gets, directly or for a token; undefined for anybody. */
  get credentialKind(): string | undefined {
    return this.#options.credential?.kind;
  }

  /** Returns one for another registry that this one redirected to: it asks as anybody, for what that one says. */
  anonymousFor(origin: URL): Authorizer {
    return new Authorizer({
      ...this.#options,
      origin,
      credential: undefined,
      allowedRealms: [],
      scopes: [],
      tls: tlsElsewhere(this.#options.tls),
    });
  }

  /** Returns the header by what the registry asked for before; undefined while it asked for nothing. */
  async header(signal: AbortSignal | undefined): Promise<string | undefined> {
    const { credential } = this.#options;
    if (credential?.kind === "registry-token") return `Bearer ${credential.token.reveal()}`;
    return this.#challenge === undefined ? undefined : await this.#answer(this.#challenge, false, signal);
  }

  /**
   * Returns the header that these challenges ask for, after a request without or with the last one was refused. Returns
   * undefined where nothing better can be offered. Throws `RegistryError` where a token cannot be had.
   */
  async meet(challenges: readonly Challenge[], signal: AbortSignal | undefined): Promise<string | undefined> {
    const { credential } = this.#options;
    if (credential?.kind === "registry-token") return undefined;
    const bearer = challenges.find(({ scheme, parameters }) => scheme === "bearer" && parameters.has("realm"));
    const challenge = bearer ?? challenges.find(({ scheme }) => scheme === "basic");
    if (challenge === undefined) return undefined;
    const wasMet = this.#challenge?.scheme === challenge.scheme;
    const hasNewScope = this.#addScopes(challenge);
    this.#challenge = challenge;
    this.#remember(challenge);
    // Basic credentials that were refused once are not offered twice; a token may have run out.
    if (wasMet && challenge.scheme === "basic") return undefined;
    return await this.#answer(challenge, wasMet && !hasNewScope, signal);
  }

  async #answer(
    challenge: Challenge,
    isRefused: boolean,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    const { credential, tokens } = this.#options;
    if (challenge.scheme === "bearer") {
      return `Bearer ${await tokens.get(this.#tokenRequest(challenge, signal), isRefused)}`;
    }
    return credential?.kind === "basic" ? basicAuthorization(credential.username, credential.password) : undefined;
  }

  #tokenRequest({ parameters }: Challenge, signal: AbortSignal | undefined): TokenRequest {
    const { origin, credential, allowedRealms, tls } = this.#options;
    const isLocal = isLoopbackHost(origin.hostname);
    const realm = checkRealm(parameters.get("realm") ?? "", origin, {
      isSecretSent: credential !== undefined,
      allowedRealms,
    });
    const service = parameters.get("service");
    if (service !== undefined && service.length > 1024) {
      throw new RegistryError(
        "UNEXPECTED_ANSWER",
        `Cannot get a token for "${origin.host}": its challenge is malformed`,
      );
    }
    const scopes = [...this.#scopes].sort();
    const address = realm.host === origin.host ? "trusted" : isLocal ? "remote-from-loopback" : "remote";
    const realmTls = realm.origin === origin.origin ? tls : tlsElsewhere(tls);
    return { realm, service, scopes, credential, address, tls: realmTls, signal };
  }

  #remember(challenge: Challenge): void {
    const { challenges, origin } = this.#options;
    challenges.delete(origin.origin);
    challenges.set(origin.origin, challenge);
    const oldest = challenges.keys().next().value;
    if (challenges.size > MAX_CHALLENGES && oldest !== undefined) challenges.delete(oldest);
  }

  #addScopes({ parameters }: Challenge): boolean {
    const named = (parameters.get("scope") ?? "").split(" ").filter((scope) => /^[\x21-\x7e]{1,512}$/.test(scope));
    const before = this.#scopes.size;
    this.#scopes = new Set([...this.#scopes, ...named.slice(0, 16)]);
    return this.#scopes.size > before;
  }
}
