import { once } from "node:events";
import {
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  createSecureServer,
  createServer,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";

/** A request as a script sees it. */
export interface ScriptedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
  /** Ends the answer with a JSON body. */
  answer(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** Begins a watch; each call of the returned function sends one event. */
  watch(): (type: string, object: unknown) => void;
}

/** A real HTTP/2 server whose answers the test gives. */
export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly ScriptedRequest[];
  /** Breaks all connections: closed without a word, as the kernel does for a process that was killed, or reset. */
  breakConnections(how?: "close" | "reset"): void;
}

/** Starts a server on a free loopback port; with `tls` over TLS. */
export async function startScriptedServer(
  script: (request: ScriptedRequest) => void,
  tls?: SecureServerOptions,
): Promise<ScriptedServer> {
  const server = tls === undefined ? createServer() : (createSecureServer(tls) as unknown as Http2Server);
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("session", (session) => {
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => {});
    void receive(stream, headers);
  });
  const receive = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> => {
    const body = await text(stream).catch(() => undefined);
    if (body === undefined) return;
    const request = requestOf(stream, headers, body);
    requests.push(request);
    script(request);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const breakConnections = (how: "close" | "reset" = "close"): void => {
    for (const socket of sockets) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  };
  return {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    breakConnections,
    [Symbol.asyncDispose]: async () => {
      breakConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function requestOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, body: string): ScriptedRequest {
  const { session } = stream;
  if (session === undefined) throw new TypeError("a request has a session");
  return {
    method: String(headers[":method"]),
    url: new URL(String(headers[":path"]), "http://server"),
    headers,
    body,
    stream,
    session: session as ServerHttp2Session,
    answer: (status, answer, more = {}) => {
      stream.respond({ ":status": status, "content-type": "application/json", ...more });
      stream.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    },
    watch: () => {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      return (type, object) => {
        stream.write(`${JSON.stringify({ type, object })}\n`);
      };
    },
  };
}
