import type { IncomingHttpHeaders } from "node:http";
import type { UserInfo } from "../authentication/user-info.ts";
import type { ApiResponse } from "./api-response.ts";
import type { RequestTarget } from "./request-target.ts";

/** One request on its way through the handlers. */
export interface ApiRequest {
  readonly method: string;
  /** The path as sent, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Where the path leads. */
  readonly target: RequestTarget;
  /** Who asks; the anonymous user until authentication says otherwise. */
  readonly user: UserInfo;
  /** What the TLS connection proved about the client. */
  readonly client: ClientIdentity;
  /** Aborts when the client is gone or the server closes. */
  readonly signal: AbortSignal;
  /** Texts for `Warning` headers; handlers add to it. */
  readonly warnings: string[];
  /** Reads the body once. Throws `StatusError` with code `RequestEntityTooLarge`. */
  readBody(): Promise<Buffer>;
}

/** The client certificate of a connection, where its chain leads to the cluster's authority. */
export interface ClientIdentity {
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
}

/** Answers requests. Throws `StatusError` for what cannot be done. */
export type Handler = (request: ApiRequest) => Promise<ApiResponse>;

/** Puts something around a handler. */
export type Middleware = (next: Handler) => Handler;

/** Returns `handler` inside `middlewares`, the first outermost. */
export function compose(middlewares: readonly Middleware[], handler: Handler): Handler {
  return middlewares.reduceRight((next, middleware) => middleware(next), handler);
}
