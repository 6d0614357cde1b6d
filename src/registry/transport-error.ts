import { codeOf, messageOf } from "../base/coded-error.ts";
import { RegistryError, type RegistryErrorCode } from "./registry-error.ts";

/** Returns what a failed connection to `url` means. Aborts and errors of this room come back as they are. */
export function asTransportError(error: unknown, url: URL): unknown {
  if (error instanceof RegistryError) return error;
  if (error instanceof Error && error.name === "AbortError") return error;
  const code = deepCode(error);
  const kind = kindOf(code);
  return new RegistryError(kind, `Cannot reach "${url.host}": ${REASONS[kind] ?? "the connection failed"} (${code})`, {
    cause: error,
    hint: kind === "TLS_FAILURE" ? "Add the registry's certificate authority to those the system trusts." : undefined,
  });
}

/** Returns what a failed request through a proxy means: whatever keeps us from the proxy itself is the proxy's failure. */
export function asProxyError(error: unknown, url: URL, proxy: URL): unknown {
  const meaning = asTransportError(error, url);
  const refusal = /\b(407|\d{3})\b/.exec(proxyRefusal(error))?.[1];
  const isTheirs = refusal !== undefined || (meaning instanceof RegistryError && PROXY_CODES.has(meaning.code));
  if (!isTheirs) return meaning;
  const reason =
    refusal === undefined
      ? `it cannot be reached (${deepCode(error)})`
      : refusal === "407"
        ? "it asks for a user name and password (407)"
        : `it refused to connect us (${refusal})`;
  return new RegistryError("PROXY_FAILURE", `Cannot reach "${url.host}" through the proxy "${proxy.host}": ${reason}`, {
    cause: meaning,
    hint:
      refusal === "407"
        ? "Give the proxy's user and password in HTTPS_PROXY and HTTP_PROXY: http://user:password@proxy:port"
        : "Check HTTPS_PROXY and HTTP_PROXY, or name the registry in NO_PROXY.",
  });
}

/** We connect to nobody but the proxy: names and routes that fail are its own. */
const PROXY_CODES: ReadonlySet<RegistryErrorCode> = new Set(["DNS_FAILURE", "CONNECTION_REFUSED", "NO_ROUTE"]);

/** What undici says of a proxy that answered a request itself; it has no code for that. */
function proxyRefusal(error: unknown): string {
  const messages = [messageOf(error), error instanceof Error ? messageOf(error.cause) : ""];
  return messages.find((message) => /^Proxy (?:response|Authentication Required) /.test(message)) ?? "";
}

/** Says whether an error means that the server does not speak TLS at all, which is no failed verification. */
export function isNotTls(error: unknown): boolean {
  return error instanceof RegistryError && error.code === "NOT_TLS";
}

const REASONS: Partial<Record<RegistryErrorCode, string>> = {
  DNS_FAILURE: "its name cannot be resolved",
  CONNECTION_REFUSED: "connection refused",
  NO_ROUTE: "there is no route to it",
  TIMED_OUT: "it did not answer in time",
  TLS_FAILURE: "its certificate is not trusted or TLS failed",
  NOT_TLS: "it does not speak TLS",
  CONNECTION_LOST: "the connection was lost",
};

const KINDS: Readonly<Record<string, RegistryErrorCode>> = {
  ENOTFOUND: "DNS_FAILURE",
  EAI_AGAIN: "DNS_FAILURE",
  EAI_FAIL: "DNS_FAILURE",
  ENODATA: "DNS_FAILURE",
  ECONNREFUSED: "CONNECTION_REFUSED",
  ENETUNREACH: "NO_ROUTE",
  EHOSTUNREACH: "NO_ROUTE",
  EADDRNOTAVAIL: "NO_ROUTE",
  ETIMEDOUT: "TIMED_OUT",
  UND_ERR_CONNECT_TIMEOUT: "TIMED_OUT",
  UND_ERR_HEADERS_TIMEOUT: "TIMED_OUT",
  UND_ERR_BODY_TIMEOUT: "TIMED_OUT",
  UND_ERR_HEADERS_OVERFLOW: "ANSWER_TOO_LARGE",
  ERR_SSL_WRONG_VERSION_NUMBER: "NOT_TLS",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "NOT_TLS",
  ERR_SSL_HTTP_REQUEST: "NOT_TLS",
};

const TLS_CODES = /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|CRL_/;

function kindOf(code: string): RegistryErrorCode {
  return KINDS[code] ?? (TLS_CODES.test(code) ? "TLS_FAILURE" : "CONNECTION_LOST");
}

/** The code of the error or of what caused it; of many addresses tried, that of the first. */
function deepCode(error: unknown): string {
  let current = error;
  for (let depth = 0; depth < 5; depth++) {
    const code = codeOf(current);
    if (code !== undefined && code !== "UND_ERR") return code;
    if (current instanceof AggregateError && current.errors.length > 0) current = current.errors[0] as unknown;
    else if (current instanceof Error && current.cause !== undefined) current = current.cause;
    else break;
  }
  return messageOf(error).slice(0, 80);
}
