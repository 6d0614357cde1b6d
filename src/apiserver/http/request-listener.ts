import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Logger } from "../../base/log.ts";
import { ANONYMOUS } from "../authentication/user-info.ts";
import type { ApiRequest, Handler } from "./api-request.ts";
import { clientIdentityOf } from "./client-identity.ts";
import { readBody } from "./read-body.ts";
import { parseRequestTarget } from "./request-target.ts";
import { sendResponse } from "./response-writer.ts";
import { errorResponse, statusFromError } from "./status-from-error.ts";

/** Takes a request of either HTTP version. */
export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/** Returns a listener that answers by `handler`. Every request in flight sees `closing` abort. */
export function createRequestListener(handler: Handler, closing: AbortSignal, logger: Logger): RequestListener {
  // One listener for all: each combined signal would live as long as the server.
  const inFlight = new Set<AbortController>();
  closing.addEventListener("abort", () => inFlight.forEach((request) => request.abort()), { once: true });
  const answer = async (raw: Parameters<RequestListener>[0], out: Parameters<RequestListener>[1]) => {
    const end = new AbortController();
    const { signal } = end;
    inFlight.add(end);
    if (closing.aborted) end.abort();
    out.on("close", () => {
      inFlight.delete(end);
      end.abort();
    });
    // Whoever resets a connection is told nothing; the signal has said it to everybody else.
    out.on("error", () => {});
    raw.on("error", () => {});
    const warnings: string[] = [];
    const response = await respond(raw, { handler, signal, warnings }).catch((error: unknown) =>
      errorResponse(statusFromError(error, logger)),
    );
    const acceptEncoding = raw.headers["accept-encoding"] ?? "";
    await sendResponse(out, response, { acceptEncoding, isHead: raw.method === "HEAD", warnings, signal });
  };
  return (raw, out) => {
    answer(raw, out).catch((error: unknown) => logger.error({ error }, "an answer could not be sent"));
  };
}

interface Responding {
  readonly handler: Handler;
  readonly signal: AbortSignal;
  readonly warnings: string[];
}

async function respond(raw: IncomingMessage | Http2ServerRequest, { handler, signal, warnings }: Responding) {
  const method = raw.method ?? "GET";
  const url = raw.url ?? "/";
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark + 1));
  const request: ApiRequest = {
    method,
    path,
    query,
    headers: raw.headers,
    target: parseRequestTarget(method, path, query),
    user: ANONYMOUS,
    client: clientIdentityOf(raw),
    signal,
    warnings,
    readBody: async () => await readBody(raw),
  };
  return await handler(request);
}
