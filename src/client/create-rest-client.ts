import type { OutgoingHttpHeaders } from "node:http2";
import type { KubernetesObject, ListOf } from "../api/kubernetes-object.ts";
import { type ResourceType, apiPath, apiVersionOf } from "../api/resource-types.ts";
import { systemClock } from "../base/clock.ts";
import { ClientError } from "./client-error.ts";
import { deadlineAfter } from "./deadline.ts";
import { Http2Connection, type Http2Response } from "./http2-connection.ts";
import { readLines, readText } from "./read-body.ts";
import type {
  CallOptions,
  DeleteCallOptions,
  ListOptions,
  ObjectKey,
  PatchKind,
  PatchOptions,
  RestClient,
  WatchEventOf,
  WatchOptions,
  WriteOptions,
} from "./rest-client.ts";
import { type RestConfig, identityHeaders, tlsOptions } from "./rest-config.ts";
import { listQuery, watchQuery, writeQuery } from "./rest-query.ts";
import { statusErrorFromResponse } from "./status-answer.ts";
import { decodeWatchEvent } from "./watch-event.ts";

/** Returns a client that keeps one HTTP/2 connection, opened at the first call and again whenever it was lost. */
export function createRestClient(config: RestConfig): RestClient {
  return new Http2RestClient(config);
}

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_BODY_BYTES = 256 << 20;
/** Objects are at most 3 MiB; JSON may escape and a table row repeats. */
const MAX_WATCH_LINE_BYTES = 8 << 20;
const MAX_TRIES = 10;
const MAX_RETRY_AFTER_S = 30;

const PATCH_TYPES: Readonly<Record<PatchKind, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
};

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  readonly contentType?: string;
}

class Http2RestClient implements RestClient {
  readonly #connection: Http2Connection;
  readonly #pathPrefix: string;
  readonly #headers: () => OutgoingHttpHeaders;

  constructor(config: RestConfig) {
    const url = serverUrl(config.server);
    this.#pathPrefix = url.pathname.replace(/\/+$/, "");
    this.#headers = identityHeaders(config);
    this.#connection = new Http2Connection({ origin: url.origin, tls: tlsOptions(config) });
  }

  async get<T extends KubernetesObject>(type: ResourceType<T>, target: ObjectKey, options?: CallOptions): Promise<T> {
    return (await this.#json({ method: "GET", path: apiPath(type, target) }, options)) as T;
  }

  async list<T extends KubernetesObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<ListOf<T>> {
    const path = apiPath(type, { namespace: options.namespace });
    const list = (await this.#json({ method: "GET", path, query: listQuery(options) }, options)) as ListOf<T>;
    // Kubernetes leaves these out of a list's items, since the list says them.
    for (const item of list.items) Object.assign(item, { apiVersion: apiVersionOf(type), kind: type.kind });
    return list;
  }

  async *watch<T extends KubernetesObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEventOf<T>> {
    const path = apiPath(type, { namespace: options.namespace });
    const { signal } = options;
    try {
      const response = await this.#send({ method: "GET", path, query: watchQuery(options) }, signal);
      for await (const line of readLines(response.body, MAX_WATCH_LINE_BYTES)) {
        if (signal?.aborted === true) return;
        yield decodeWatchEvent<T>(line);
      }
    } catch (error) {
      if (signal?.aborted === true) return;
      throw readable(`GET ${path}`, error);
    }
  }

  async create<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace;
    const { subresource } = options;
    const name = subresource === undefined ? undefined : (options.name ?? object.metadata?.name);
    const path = apiPath(type, { namespace, name, subresource });
    return await this.#write({ method: "POST", path, body: typed(type, object) }, options);
  }

  async update<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace;
    const name = options.name ?? object.metadata?.name;
    const path = apiPath(type, { namespace, name, subresource: options.subresource });
    return await this.#write({ method: "PUT", path, body: typed(type, object) }, options);
  }

  async patch<T extends KubernetesObject>(
    type: ResourceType<T>,
    target: ObjectKey,
    patch: object,
    options: PatchOptions,
  ): Promise<T> {
    const path = apiPath(type, { ...target, subresource: options.subresource });
    return await this.#write({ method: "PATCH", path, body: patch, contentType: PATCH_TYPES[options.kind] }, options);
  }

  async delete(type: ResourceType, target: ObjectKey, options: DeleteCallOptions = {}): Promise<void> {
    await this.#json({ method: "DELETE", path: apiPath(type, target), body: options.options }, options);
  }

  async raw(method: string, path: string, body?: unknown, options?: CallOptions): Promise<unknown> {
    return await this.#json({ method, path, body }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #write<T>(call: Call, options: WriteOptions): Promise<T> {
    return (await this.#json({ ...call, query: writeQuery(options) }, options)) as T;
  }

  async #json(call: Call, options: CallOptions = {}): Promise<unknown> {
    const what = `${call.method} ${call.path}`;
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    using deadline = deadlineAfter(timeoutMs, options.signal);
    try {
      const response = await this.#send(call, deadline.signal);
      return decode(response, await readText(response.body, MAX_BODY_BYTES));
    } catch (error) {
      options.signal?.throwIfAborted();
      if (deadline.isOver) throw new ClientError("TIMEOUT", `Cannot complete "${what}": no answer in ${timeoutMs} ms`);
      throw readable(what, error);
    }
  }

  /** Sends until the server no longer asks to come back later; throws what it answers when that is a failure. */
  async #send(call: Call, signal: AbortSignal | undefined): Promise<Http2Response> {
    const request = { headers: this.#headersOf(call), body: encode(call.body), signal };
    for (let attempt = 1; ; attempt++) {
      const response = await this.#connection.request(request);
      if (response.status < 300) return response;
      const failure = await statusErrorFromResponse(response);
      const waitMs = retryAfterMs(response);
      if (waitMs === undefined || attempt === MAX_TRIES) throw failure;
      await systemClock.sleep(waitMs, signal);
    }
  }

  #headersOf(call: Call): OutgoingHttpHeaders {
    const query = call.query === undefined || call.query.size === 0 ? "" : `?${call.query.toString()}`;
    const content = call.body === undefined ? {} : { "content-type": call.contentType ?? "application/json" };
    return {
      ...this.#headers(),
      ...content,
      ":method": call.method,
      ":path": this.#pathPrefix + call.path + query,
    };
  }
}

function serverUrl(server: string): URL {
  const url = URL.parse(server.includes("://") ? server : `https://${server}`);
  if (url === null) throw new ClientError("UNREACHABLE", `Cannot connect to "${server}": it is not a URL`);
  return url;
}

function typed<T extends KubernetesObject>(type: ResourceType<T>, object: T): T {
  if (object.apiVersion !== undefined && object.kind !== undefined) return object;
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function encode(body: unknown): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

function decode(response: Http2Response, text: string): unknown {
  if (!(response.headers["content-type"] ?? "").startsWith("application/json")) return text;
  return JSON.parse(text);
}

function retryAfterMs(response: Http2Response): number | undefined {
  if (response.status !== 429 && response.status < 500) return undefined;
  const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
  return seconds >= 0 ? Math.min(seconds, MAX_RETRY_AFTER_S) * 1000 : undefined;
}

/** A parser's message would quote the body, which may be a secret. */
function readable(what: string, error: unknown): unknown {
  if (!(error instanceof SyntaxError)) return error;
  return new ClientError("BAD_RESPONSE", `Cannot read the answer to "${what}": it is not JSON`);
}
