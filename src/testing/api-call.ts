import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { request } from "node:https";
import { createInterface } from "node:readline";
import type { KeyPair } from "../pki/key-pair.ts";
import type { TestApiServer } from "./api-server.ts";

/** One request as a client makes it. */
export interface ApiCall {
  readonly method?: string;
  readonly path: string;
  /** Sent as JSON, unless it is text or bytes. */
  readonly body?: object | string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The administrator by default; `null` is anonymous. */
  readonly user?: KeyPair | null;
}

/** What came back; a body that is JSON is parsed. */
export interface ApiAnswer<T = unknown> {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: T;
}

/** Makes a request over HTTP/1.1 on a connection of its own and returns the whole answer, whatever its status. */
export async function callApi<T = Record<string, unknown>>(
  server: TestApiServer,
  call: ApiCall,
): Promise<ApiAnswer<T>> {
  const answer = await send(server, call);
  const chunks: Buffer[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const isJson = (answer.headers["content-type"] ?? "").startsWith("application/json");
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    body: (isJson && answer.headers["content-encoding"] === undefined ? JSON.parse(text) : text) as T,
  };
}

/** One line of a watch. */
export interface WatchLine<T = Record<string, unknown>> {
  readonly type: string;
  readonly object: T;
}

/** A watch as a client reads it. */
export interface ApiWatch<T> extends AsyncDisposable {
  readonly status: number;
  /** Returns the next `count` lines, fewer where the server ends the watch. */
  take(count: number): Promise<WatchLine<T>[]>;
  /** Returns every line until the server ends the watch. */
  rest(): Promise<WatchLine<T>[]>;
}

/** Starts a watch. Disposing of it breaks the connection. */
export async function watchApi<T = Record<string, unknown>>(
  server: TestApiServer,
  call: ApiCall,
): Promise<ApiWatch<T>> {
  const answer = await send(server, call);
  const lines = createInterface({ input: answer, crlfDelay: Infinity })[Symbol.asyncIterator]();
  const take = async (count: number) => {
    const taken: WatchLine<T>[] = [];
    while (taken.length < count) {
      const { value, done } = await lines.next();
      if (done === true) break;
      taken.push(JSON.parse(value) as WatchLine<T>);
    }
    return taken;
  };
  return {
    status: answer.statusCode ?? 0,
    take,
    rest: async () => await take(Infinity),
    [Symbol.asyncDispose]: () => {
      answer.destroy();
      return Promise.resolve();
    },
  };
}

async function send(
  server: TestApiServer,
  { method = "GET", path, body, headers, user }: ApiCall,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const pair = user === undefined ? server.keys.admin : user;
  const identity = pair === null ? {} : { cert: pair.certificate, key: pair.key.reveal() };
  const payload = payloadOf(body);
  const outgoing = request(
    `${server.url}${path}`,
    {
      method,
      agent: false,
      ca: server.keys.ca.certificate,
      ...identity,
      headers: { ...payloadHeaders(payload), ...headers },
    },
    resolve,
  );
  outgoing.on("error", reject);
  outgoing.end(payload);
  return await promise;
}

function payloadOf(body: ApiCall["body"]): string | Uint8Array | undefined {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) return body;
  return JSON.stringify(body);
}

// Node says no length of a DELETE's body by itself.
function payloadHeaders(payload: string | Uint8Array | undefined): Record<string, string> {
  if (payload === undefined) return {};
  return { "content-type": "application/json", "content-length": String(Buffer.byteLength(payload)) };
}
