import { messageOf } from "../base/coded-error.ts";
import { systemClock } from "../base/clock.ts";
import type { Reference } from "../oci/reference.ts";
import type { RequestTrace } from "../trace/pull-trace.ts";
import { Authorizer } from "./authorizer.ts";
import type { Challenge } from "./challenge.ts";
import { credentialKey, type RegistryCredential } from "./credential.ts";
import type { Capability, Endpoint, Hosts } from "./endpoint.ts";
import type { RateLimits } from "./rate-limits.ts";
import { RegistryError, type RegistryErrorCode } from "./registry-error.ts";
import { type RepositoryRequest, RepositorySession } from "./repository-session.ts";
import type { TokenCache } from "./token-cache.ts";
import type { Transport, TransportAnswer } from "./transport.ts";
import { isNotTls } from "./transport-error.ts";

/** What all repositories of a client share. */
export interface ClientContext {
  readonly transport: Transport;
  readonly hosts: Hosts;
  readonly tokens: TokenCache;
  /** The last challenge of each origin. */
  readonly challenges: Map<string, Challenge>;
  /** Origins that turned out to speak no TLS. */
  readonly plainHttpHosts: Set<string>;
  readonly limits: RateLimits;
  /** Mirrors that could not be reached, until when on the monotonic clock they are left alone, and why. */
  readonly resting: Map<string, { readonly until: number; readonly reason: string }>;
}

/** An image's repository, and as whom to ask for it. */
export interface RepositoryAccess {
  readonly reference: Reference;
  /** Absent to ask as anybody. */
  readonly credential?: RegistryCredential | undefined;
  /** Told of each request and its answer. */
  readonly onRequest?: (request: RequestTrace) => void;
}

/** Sends one request to one endpoint. Returns a 2xx answer or one that `accepts` takes. */
export type Send = (request: RepositoryRequest, accepts?: (status: number) => boolean) => Promise<TransportAnswer>;

/** How long a mirror that could not be reached is left alone. */
const REST_MS = 30_000;
const UNREACHABLE: ReadonlySet<RegistryErrorCode> = new Set([
  "CONNECTION_REFUSED",
  "DNS_FAILURE",
  "NO_ROUTE",
  "PROXY_FAILURE",
  "TIMED_OUT",
  "TLS_FAILURE",
]);

/** Asks the endpoints of one repository in their order. */
export class EndpointSender {
  readonly #context: ClientContext;
  readonly #access: RepositoryAccess;
  readonly #scopes: readonly string[];
  readonly #sessions = new Map<string, RepositorySession>();
  #endpoints: Promise<readonly Endpoint[]> | undefined;

  /** `actions` is what a token must allow, e.g. `pull,push`; `mountable` are repositories that blobs are taken over from. */
  constructor(
    context: ClientContext,
    access: RepositoryAccess,
    { actions, mountable = [] }: { readonly actions: string; readonly mountable?: readonly string[] },
  ) {
    this.#context = context;
    this.#access = access;
    this.#scopes = [actions, ...mountable.map((path) => `repository:${path}:pull`)];
  }

  /**
   * Runs `task` with the first endpoint that can do it; where it fails there, with the next. The first `skip` are passed
   * over, never the last. Throws the last one's error, which tells what became of the others.
   */
  async attempt<T>(capability: Capability, task: (send: Send) => Promise<T>, skip = 0): Promise<T> {
    const endpoints = (await this.#allEndpoints()).filter(({ capabilities }) => capabilities.has(capability));
    const failures: string[] = [];
    for (const [index, endpoint] of endpoints.entries()) {
      const isLast = index === endpoints.length - 1;
      if (!isLast && (index < skip || this.#isResting(endpoint, failures))) continue;
      try {
        return await task((request, accepts) => this.#sendLimited(endpoint, request, accepts));
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        if (isLast) throw withOthers(error, failures);
        failures.push(`"${endpoint.base.host}" ${error.code.toLowerCase().replaceAll("_", " ")}`);
        this.#letRest(endpoint, error);
      }
    }
    const { repository } = this.#access.reference;
    throw new RegistryError(
      "HOSTS_INVALID",
      `Cannot ${capability} "${repository}": no configured host may be asked to`,
    );
  }

  async #allEndpoints(): Promise<readonly Endpoint[]> {
    this.#endpoints ??= this.#context.hosts(this.#access.reference);
    return await this.#endpoints;
  }

  #isResting({ base }: Endpoint, failures: string[]): boolean {
    const rest = this.#context.resting.get(base.origin);
    if (rest === undefined || rest.until < systemClock.monotonic()) return false;
    failures.push(`"${base.host}" not asked again yet (${rest.reason})`);
    this.#access.onRequest?.({ method: "GET", url: base.href, error: `not asked: ${rest.reason}`, durationMs: 0 });
    return true;
  }

  #letRest({ base }: Endpoint, error: RegistryError): void {
    if (!UNREACHABLE.has(error.code)) return;
    this.#context.resting.set(base.origin, { until: systemClock.monotonic() + REST_MS, reason: messageOf(error) });
  }

  async #sendLimited(endpoint: Endpoint, request: RepositoryRequest, accepts?: (status: number) => boolean) {
    const { limits } = this.#context;
    const key = `${endpoint.base.origin} ${credentialKey(this.#credentialFor(endpoint))}`;
    limits.check(key);
    try {
      return await this.#sendTo(endpoint, request, accepts);
    } catch (error) {
      limits.note(key, error);
      throw error;
    }
  }

  /** A credential is for the registry that the image's name says, never for a mirror of it. */
  #credentialFor({ isOrigin, credential: own }: Endpoint): RegistryCredential | undefined {
    return (isOrigin ? this.#access.credential : undefined) ?? own;
  }

  async #sendTo(endpoint: Endpoint, request: RepositoryRequest, accepts?: (status: number) => boolean) {
    const { plainHttpHosts } = this.#context;
    const { allowsPlainHttp, base } = endpoint;
    if (!allowsPlainHttp) return await this.#session(endpoint, base).send(request, accepts);
    const plain = new URL(base.href.replace(/^https:/, "http:"));
    if (!plainHttpHosts.has(base.host)) {
      try {
        return await this.#session(endpoint, base).send(request, accepts);
      } catch (error) {
        if (!isNotTls(error) && !isNothingAtTlsPort(error, base)) throw error;
      }
    }
    const answer = await this.#session(endpoint, plain).send(request, accepts);
    plainHttpHosts.add(base.host);
    return answer;
  }

  #session(endpoint: Endpoint, base: URL): RepositorySession {
    const key = `${base.href} ${endpoint.repository}`;
    const existing = this.#sessions.get(key);
    if (existing !== undefined) return existing;
    const { transport, tokens, challenges } = this.#context;
    const { onRequest = () => {} } = this.#access;
    const { repository, tls, headers, namespace, allowedRealms } = endpoint;
    const [actions = "pull", ...others] = this.#scopes;
    const authorizer = new Authorizer({
      origin: new URL(base.origin),
      credential: this.#credentialFor(endpoint),
      tokens,
      challenges,
      allowedRealms,
      tls,
      scopes: [`repository:${repository}:${actions}`, ...others],
    });
    const session = new RepositorySession({
      transport,
      authorizer,
      base,
      repository,
      onRequest,
      tls,
      headers,
      namespace,
    });
    this.#sessions.set(key, session);
    return session;
  }
}

function isNothingAtTlsPort(error: unknown, { port }: URL): boolean {
  return error instanceof RegistryError && error.code === "CONNECTION_REFUSED" && port === "";
}

function withOthers(error: RegistryError, failures: readonly string[]): RegistryError {
  if (failures.length === 0) return error;
  return new RegistryError(error.code, `${error.message}; asked before: ${failures.join(", ")}`, {
    cause: error.cause,
    hint: error.hint,
    status: error.status,
    retryAfterMs: error.retryAfterMs,
  });
}
