import { discardBody, readBody, readBodyStart } from "./read-body.ts";
import { retryAfterMs } from "./retry-after.ts";
import { basicAuthorization, type RegistryCredential } from "./credential.ts";
import { readErrorBody } from "./error-body.ts";
import { sendFollowing } from "./follow-redirects.ts";
import { RegistryError } from "./registry-error.ts";
import type { Transport, TransportAnswer, TransportRequest } from "./transport.ts";

/** What a token service is asked for. */
export interface TokenRequest {
  readonly realm: URL;
  readonly service: string | undefined;
  readonly scopes: readonly string[];
  /** Absent to ask as anybody. */
  readonly credential: RegistryCredential | undefined;
  readonly address: TransportRequest["address"];
  readonly tls?: TransportRequest["tls"];
  readonly signal: AbortSignal | undefined;
}

export interface Token {
  readonly token: string;
  /** Milliseconds from now. */
  readonly lifetimeMs: number;
}

const MAX_TOKEN_BYTES = 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;
const DEFAULT_LIFETIME_SECONDS = 60;
const CLIENT_ID = "berth";

/**
 * Gets an access token (distribution's token authentication). A password is asked with by GET, an identity token by POST;
 * where the service knows only the other way, by that. Throws `RegistryError`: `CREDENTIAL_REFUSED`, `NO_CREDENTIAL`, …
 */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const [first, second] = httpRequestsOf(request);
  const answer = await sendFollowing(transport, first);
  if (answer.status === 200) return await parseToken(answer, request.realm);
  const error = await tokenError(answer, request);
  if (second === undefined || !second.after.has(answer.status)) throw error;
  const other = await sendFollowing(transport, second.request);
  if (other.status === 200) return await parseToken(other, request.realm);
  discardBody(other);
  throw error;
}

interface OtherWay {
  readonly request: TransportRequest;
  /** What services answer that do not know the first way. */
  readonly after: ReadonlySet<number>;
}

const NO_POST: ReadonlySet<number> = new Set([400, 401, 404, 405]);
const NO_GET: ReadonlySet<number> = new Set([404, 405]);

function httpRequestsOf(request: TokenRequest): readonly [TransportRequest, OtherWay?] {
  const { credential } = request;
  if (credential?.kind === "identity-token") {
    const form = { grant_type: "refresh_token", refresh_token: credential.token.reveal() };
    // Docker's name for whoever an identity token stands for.
    const authorization = basicAuthorization("<token>", credential.token);
    return [postOf(request, form), { request: getOf(request, { authorization }), after: NO_POST }];
  }
  if (credential?.kind !== "basic") return [getOf(request, {})];
  const { username, password } = credential;
  const form = { grant_type: "password", username, password: password.reveal() };
  const get = getOf(request, { authorization: basicAuthorization(username, password) });
  return [get, { request: postOf(request, form), after: NO_GET }];
}

const HEADERS = { "user-agent": CLIENT_ID, accept: "application/json" };

function getOf(request: TokenRequest, authorization: Readonly<Record<string, string>>): TransportRequest {
  const { realm, service, scopes, address, tls, signal } = request;
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  return { method: "GET", url, headers: { ...HEADERS, ...authorization }, address, tls, signal };
}

function postOf(request: TokenRequest, fields: Readonly<Record<string, string>>): TransportRequest {
  const { realm, service, scopes, address, tls, signal } = request;
  const form = new URLSearchParams({ client_id: CLIENT_ID, scope: scopes.join(" "), ...fields });
  if (service !== undefined) form.set("service", service);
  const headers = { ...HEADERS, "content-type": "application/x-www-form-urlencoded" };
  return { method: "POST", url: realm, headers, body: form.toString(), address, tls, signal };
}

async function parseToken(from: TransportAnswer, realm: URL): Promise<Token> {
  const answer = parseJson(await readBody(from, MAX_TOKEN_BYTES));
  const token = text(answer["token"]) ?? text(answer["access_token"]);
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    throw new RegistryError("UNEXPECTED_ANSWER", `Cannot get a token from "${realm.host}": its answer holds none`);
  }
  const seconds = Number(answer["expires_in"] ?? DEFAULT_LIFETIME_SECONDS);
  const lifetime = Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_LIFETIME_SECONDS;
  // Clocks differ, and a pull takes time: a token is used for four fifths of its life.
  return { token, lifetimeMs: Math.min(lifetime, 86_400) * 800 };
}

function parseJson(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const document = JSON.parse(body.toString("utf8")) as unknown;
    return typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

async function tokenError(answer: TransportAnswer, { realm, credential }: TokenRequest): Promise<RegistryError> {
  const said = readErrorBody(await readBodyStart(answer, MAX_ERROR_BYTES)).text;
  const reason = `${answer.status}${said === "" ? "" : ` (${said})`}`;
  const message = `Cannot get a token from "${realm.host}": it answered ${reason}`;
  const { status } = answer;
  const { "retry-after": retryAfter } = answer.headers;
  if (status === 429) {
    return new RegistryError("TOO_MANY_REQUESTS", message, { status, retryAfterMs: retryAfterMs(retryAfter) });
  }
  if (status >= 500) return new RegistryError("SERVER_ERROR", message, { status });
  if (status !== 400 && status !== 401 && status !== 403)
    return new RegistryError("UNEXPECTED_ANSWER", message, { status });
  return new RegistryError(credential === undefined ? "NO_CREDENTIAL" : "CREDENTIAL_REFUSED", message, { status });
}
