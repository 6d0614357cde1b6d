import { messageOf } from "../base/coded-error.ts";
import { backoffDelay } from "../base/retry.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { RequestTrace } from "../trace/pull-trace.ts";
import { answerError } from "./answer-error.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { Authorizer } from "./authorizer.ts";
import { parseChallenges } from "./challenge.ts";
import { sanitize } from "./error-body.ts";
import { sendFollowing } from "./follow-redirects.ts";
import { isLoopbackHost } from "./network-address.ts";
import { discardBody } from "./read-body.ts";
import { redactUrl } from "./redact-url.ts";
import type { AddressTrust } from "./refuse-internal.ts";
import { RegistryError } from "./registry-error.ts";
import { tlsElsewhere, type TlsSettings } from "./tls-settings.ts";
import type { HttpMethod, RequestBody, Transport, TransportAnswer, TransportRequest } from "./transport.ts";

export interface RepositorySessionOptions {
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  /** The API's root, without a slash at its end. */
  readonly base: URL;
  readonly repository: string;
  readonly tls?: TlsSettings | undefined;
  /** Sent to the endpoint with each request, not where it redirects to. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** The registry that a mirror is asked for. */
  readonly namespace?: string | undefined;
  readonly onRequest: (request: RequestTrace) => void;
  readonly clock?: Clock;
}

/** A request to the API of one repository. */
export interface RepositoryRequest {
  readonly method: HttpMethod;
  /** Path and query below the repository, e.g. `manifests/latest`, or an address that the registry gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** For errors, e.g. `resolve "docker.io/library/busybox:1"`. */
  readonly action: string;
  readonly what: "manifest" | "blob" | "upload";
  readonly body?: RequestBody | undefined;
  /** Whether it may be sent again after a failure; what begins or continues an upload may not. */
  readonly isRepeatable?: boolean;
}

const MAX_ATTEMPTS = 3;
const MAX_CHALLENGES = 3;
/** Longer waits are for whoever asked for the pull: they can be seen there. */
const MAX_WAIT_MS = 20_000;
const BACKOFF = { initialMs: 200, maxMs: 5000, jitter: 0.5 };
// Some proxies compress blobs, whose ranges then mean nothing.
const PLAIN_HEADERS = { "user-agent": "berth", "accept-encoding": "identity" };
const RETRYABLE: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Talks to one repository with one credential: answers challenges, follows redirects, tries again what may pass. */
export class RepositorySession {
  readonly #options: RepositorySessionOptions;
  readonly #clock: Clock;

  constructor(options: RepositorySessionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Returns an answer with a 2xx status, or one that `accepts` takes. Throws `RegistryError`. The caller reads its body. */
  async send(request: RepositoryRequest, accepts: (status: number) => boolean = () => false): Promise<TransportAnswer> {
    for (let attempt = 0; ; attempt++) {
      const isLast = attempt + 1 >= MAX_ATTEMPTS || request.isRepeatable === false;
      const outcome = await this.#attempt(request, isLast);
      if (outcome.answer === undefined) {
        await this.#clock.sleep(backoffDelay(attempt, BACKOFF), request.signal);
        continue;
      }
      const { answer, hadCredential } = outcome;
      if ((answer.status >= 200 && answer.status < 300) || accepts(answer.status)) return answer;
      const waitMs = retryAfterMs(answer.headers["retry-after"]) ?? backoffDelay(attempt, BACKOFF);
      if (isLast || !RETRYABLE.has(answer.status) || waitMs > MAX_WAIT_MS) {
        throw await answerError(answer, { ...request, url: this.#urlOf(request), hadCredential });
      }
      discardBody(answer);
      await this.#clock.sleep(waitMs, request.signal);
    }
  }

  async #attempt(request: RepositoryRequest, isLast: boolean): Promise<Outcome | { readonly answer: undefined }> {
    try {
      return await this.#sendAuthorized(request);
    } catch (error) {
      // A lost connection may work the next time; a refused one is the registry being down, which takes longer.
      if (isLast || !(error instanceof RegistryError) || error.code !== "CONNECTION_LOST") throw error;
      return { answer: undefined };
    }
  }

  async #sendAuthorized(request: RepositoryRequest): Promise<Outcome> {
    const { authorizer, base } = this.#options;
    const isHere = this.#urlOf(request).origin === base.origin;
    let authorization = isHere ? await authorizer.header(request.signal) : undefined;
    for (let round = 0; ; round++) {
      const answer = await this.#sendTraced(request, authorization);
      const hadCredential = authorization !== undefined && authorizer.credentialKind !== undefined;
      if (answer.status !== 401 || !isHere || round >= MAX_CHALLENGES) return { answer, hadCredential };
      if (answer.url.origin !== base.origin) {
        return { answer: await this.#askElsewhere(answer, request), hadCredential };
      }
      const next = await authorizer.meet(await this.#challengesOf(answer, request.signal), request.signal);
      if (next === undefined) return { answer, hadCredential };
      discardBody(answer);
      authorization = next;
    }
  }

  /** Another registry's challenge, after a redirect, is none of our credential's business: it is met as anybody. */
  async #askElsewhere(answer: TransportAnswer, request: RepositoryRequest): Promise<TransportAnswer> {
    const { authorizer, base, transport, tls } = this.#options;
    const { url } = answer;
    const challenges = parseChallenges(answer.headers["www-authenticate"]);
    const authorization = await authorizer.anonymousFor(new URL(url.origin)).meet(challenges, request.signal);
    if (authorization === undefined) return answer;
    discardBody(answer);
    const headers = { ...PLAIN_HEADERS, ...request.headers, authorization };
    const { method, signal } = request;
    const address = trustElsewhere(base);
    return await sendFollowing(transport, { method, url, headers, signal, address, tls: tlsElsewhere(tls) });
  }

  async #challengesOf(answer: TransportAnswer, signal: AbortSignal | undefined) {
    const found = parseChallenges(answer.headers["www-authenticate"]);
    if (found.length > 0) return found;
    const { base } = this.#options;
    // Some registries tell how to authenticate at the API's root only.
    const ping = await this.#sendTraced(
      { method: "GET", path: new URL(`${base.href}/`), signal, action: "ping", what: "manifest" },
      undefined,
    );
    discardBody(ping);
    return parseChallenges(ping.headers["www-authenticate"]);
  }

  async #sendTraced(request: RepositoryRequest, authorization: string | undefined): Promise<TransportAnswer> {
    const { transport, base, onRequest, authorizer, tls, headers: own } = this.#options;
    const url = this.#urlOf(request);
    const isHere = url.origin === base.origin;
    const kind = authorization === undefined ? undefined : authorizer.credentialKind;
    const trace = {
      method: request.method,
      url: redactUrl(url),
      ...(kind === undefined ? {} : { credential: kind }),
    };
    const startedAt = this.#clock.monotonic();
    const durationMs = () => this.#clock.monotonic() - startedAt;
    const headers = {
      ...PLAIN_HEADERS,
      ...(isHere ? own : {}),
      ...request.headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    const where: Pick<TransportRequest, "address" | "tls"> = isHere
      ? { address: "trusted", tls }
      : { address: trustElsewhere(base), tls: tlsElsewhere(tls) };
    try {
      const { method, signal, body } = request;
      const answer = await sendFollowing(transport, { method, url, headers, signal, body, ...where });
      const warning = warningOf(answer.headers["warning"]);
      onRequest({ ...trace, status: answer.status, ...warning, durationMs: durationMs() });
      return answer;
    } catch (error) {
      onRequest({ ...trace, error: messageOf(error), durationMs: durationMs() });
      throw error;
    }
  }

  #urlOf({ path }: RepositoryRequest): URL {
    const { base, repository, namespace } = this.#options;
    if (typeof path !== "string") return path;
    const url = new URL(`${base.href}/${repository}/${path}`);
    if (namespace !== undefined) url.searchParams.set("ns", namespace);
    return url;
  }
}

function trustElsewhere(base: URL): AddressTrust {
  return isLoopbackHost(base.hostname) ? "remote-from-loopback" : "remote";
}

/** The text of a `Warning` header that was written by hand: code 299, as registries use it. */
function warningOf(header: string | string[] | undefined): { readonly warning?: string } {
  const text = /^299 \S+ "((?:[^"\\]|\\.){1,1024})"/.exec(String(header ?? ""))?.[1];
  return text === undefined ? {} : { warning: sanitize(text.replaceAll(/\\(.)/g, "$1")) };
}

interface Outcome {
  readonly answer: TransportAnswer;
  readonly hadCredential: boolean;
}
