import { messageOf } from "../base/coded-error.ts";
import { backoffDelay } from "../base/retry.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { RequestTrace } from "../trace/pull-trace.ts";
import { answerError, retryAfterMs } from "./answer-error.ts";
import type { Authorizer } from "./authorizer.ts";
import { parseChallenges } from "./challenge.ts";
import { sendFollowing } from "./follow-redirects.ts";
import { isLoopbackHost } from "./network-address.ts";
import { discardBody } from "./read-body.ts";
import { redactUrl } from "./redact-url.ts";
import { RegistryError } from "./registry-error.ts";
import type { Transport, TransportAnswer } from "./transport.ts";

export interface RepositorySessionOptions {
  readonly transport: Transport;
  readonly authorizer: Authorizer;
  /** `scheme://host[:port]` of the API. */
  readonly origin: URL;
  readonly onRequest: (request: RequestTrace) => void;
  readonly clock?: Clock;
}

/** A request to the API of one repository. */
export interface RepositoryRequest {
  readonly method: "GET" | "HEAD";
  /** Path and query below the origin. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** For errors, e.g. `resolve "docker.io/library/busybox:1"`. */
  readonly action: string;
  readonly what: "manifest" | "blob";
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
      const isLast = attempt + 1 >= MAX_ATTEMPTS;
      const outcome = await this.#attempt(request, isLast);
      if (outcome.answer === undefined) {
        await this.#clock.sleep(backoffDelay(attempt, BACKOFF), request.signal);
        continue;
      }
      const { answer, hadCredential } = outcome;
      if ((answer.status >= 200 && answer.status < 300) || accepts(answer.status)) return answer;
      const waitMs = retryAfterMs(answer.headers["retry-after"]) ?? backoffDelay(attempt, BACKOFF);
      if (isLast || !RETRYABLE.has(answer.status) || waitMs > MAX_WAIT_MS) {
        const url = new URL(request.path, this.#options.origin);
        throw await answerError(answer, { ...request, url, hadCredential });
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
    const { authorizer, origin } = this.#options;
    let authorization = await authorizer.header(request.signal);
    for (let round = 0; ; round++) {
      const answer = await this.#sendTraced(request, authorization);
      const hadCredential = authorization !== undefined && authorizer.credentialKind !== undefined;
      if (answer.status !== 401 || round >= MAX_CHALLENGES) return { answer, hadCredential };
      if (answer.url.origin !== origin.origin)
        return { answer: await this.#askElsewhere(answer, request), hadCredential };
      const next = await authorizer.meet(await this.#challengesOf(answer, request.signal), request.signal);
      if (next === undefined) return { answer, hadCredential };
      discardBody(answer);
      authorization = next;
    }
  }

  /** Another registry's challenge, after a redirect, is none of our credential's business: it is met as anybody. */
  async #askElsewhere(answer: TransportAnswer, request: RepositoryRequest): Promise<TransportAnswer> {
    const { authorizer, origin, transport } = this.#options;
    const { url } = answer;
    const challenges = parseChallenges(answer.headers["www-authenticate"]);
    const authorization = await authorizer.anonymousFor(new URL(url.origin)).meet(challenges, request.signal);
    if (authorization === undefined) return answer;
    discardBody(answer);
    const address = isLoopbackHost(origin.hostname) ? "remote-from-loopback" : "remote";
    const headers = { ...PLAIN_HEADERS, ...request.headers, authorization };
    return await sendFollowing(transport, { method: request.method, url, headers, signal: request.signal, address });
  }

  async #challengesOf(answer: TransportAnswer, signal: AbortSignal | undefined) {
    const found = parseChallenges(answer.headers["www-authenticate"]);
    if (found.length > 0) return found;
    // Some registries tell how to authenticate at the API's root only.
    const ping = await this.#sendTraced(
      { method: "GET", path: "/v2/", signal, action: "ping", what: "manifest" },
      undefined,
    );
    discardBody(ping);
    return parseChallenges(ping.headers["www-authenticate"]);
  }

  async #sendTraced(request: RepositoryRequest, authorization: string | undefined): Promise<TransportAnswer> {
    const { transport, origin, onRequest, authorizer } = this.#options;
    const url = new URL(request.path, origin);
    const startedAt = this.#clock.monotonic();
    const kind = authorization === undefined ? undefined : authorizer.credentialKind;
    const credential = kind === undefined ? {} : { credential: kind };
    const trace = { method: request.method, url: redactUrl(url), ...credential };
    const durationMs = () => this.#clock.monotonic() - startedAt;
    const headers = {
      ...PLAIN_HEADERS,
      ...request.headers,
      ...(authorization === undefined ? {} : { authorization }),
    };
    try {
      const { method, signal } = request;
      const answer = await sendFollowing(transport, { method, url, headers, signal, address: "trusted" });
      onRequest({ ...trace, status: answer.status, durationMs: durationMs() });
      return answer;
    } catch (error) {
      onRequest({ ...trace, error: messageOf(error), durationMs: durationMs() });
      throw error;
    }
  }
}

interface Outcome {
  readonly answer: TransportAnswer;
  readonly hadCredential: boolean;
}
