import { readBody, readBodyStart } from "./read-body.ts";
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

/** Gets an access token (distribution's token authentication). Throws `RegistryError`: `CREDENTIAL_REFUSED`, `NO_CREDENTIAL`, … */
export async function fetchToken(transport: Transport, request: TokenRequest): Promise<Token> {
  const answer = await sendFollowing(transport, httpRequestOf(request));
  if (answer.status !== 200) throw await tokenError(answer, request);
  return parseToken(await readBody(answer, MAX_TOKEN_BYTES), request.realm);
}

function httpRequestOf({ realm, service, scopes, credential, address, signal }: TokenRequest): TransportRequest {
  const headers = { "user-agent": CLIENT_ID, accept: "application/json" };
  if (credential?.kind === "identity-token") {
    // Redirects would carry the form's secret elsewhere: only GET and HEAD are followed.
    const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID, scope: scopes.join(" ") });
    if (service !== undefined) form.set("service", service);
    form.set("refresh_token", credential.token.reveal());
    const contentType = { "content-type": "application/x-www-form-urlencoded" };
    return {
      method: "POST",
      url: realm,
      headers: { ...headers, ...contentType },
      body: form.toString(),
      address,
      signal,
    };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const authorization =
    credential?.kind === "basic" ? { authorization: basicAuthorization(credential.username, credential.password) } : {};
  return { method: "GET", url, headers: { ...headers, ...authorization }, address, signal };
}

function parseToken(body: Buffer, realm: URL): Token {
  const answer = parseJson(body);
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
  if (status === 429) return new RegistryError("TOO_MANY_REQUESTS", message, { status });
  if (status >= 500) return new RegistryError("SERVER_ERROR", message, { status });
  if (status !== 400 && status !== 401 && status !== 403)
    return new RegistryError("UNEXPECTED_ANSWER", message, { status });
  return new RegistryError(credential === undefined ? "NO_CREDENTIAL" : "CREDENTIAL_REFUSED", message, { status });
}
