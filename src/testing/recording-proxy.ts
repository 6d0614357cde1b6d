import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** How a proxy misbehaves. */
export interface RecordingProxyOptions {
  /** While it answers true, connections are closed without an answer. */
  readonly isDown?: () => boolean;
  /** Returns other bytes for an answer's body; the headers stay. */
  readonly rewrite?: (path: string, body: Buffer) => Buffer;
  /** Returns after how many bytes of a path's body nothing more is sent, the connection left open; undefined for all of it. */
  readonly stallAfter?: (path: string) => number | undefined;
}

/** A real HTTP server on a loopback port of its own that stands before a registry and remembers what was asked. */
export interface RecordingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for image references. */
  readonly host: string;
  /** `METHOD PATH STATUS` of each request since the last `clear`. */
  requests(): string[];
  clear(): void;
  /** The `Range` headers of the requests, in their order. */
  ranges(): string[];
  /** How many answers have been cut short by `stallAfter`. */
  stalled(): number;
}

/** Starts a proxy before the registry at `target` (`HOST:PORT`, plain HTTP). */
export async function openRecordingProxy(target: string, options: RecordingProxyOptions = {}): Promise<RecordingProxy> {
  const requests: string[] = [];
  const ranges: string[] = [];
  let stalled = 0;
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.range !== undefined) ranges.push(incoming.headers.range);
    if (options.isDown?.() === true) {
      incoming.socket.destroy();
      return;
    }
    forward({ target, incoming, outgoing, options, onStall: () => stalled++ }).then(
      (status) => requests.push(`${incoming.method} ${incoming.url} ${status}`),
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => [...requests],
    clear: () => void requests.splice(0),
    ranges: () => [...ranges],
    stalled: () => stalled,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Exchange {
  readonly target: string;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly options: RecordingProxyOptions;
  readonly onStall: () => void;
}

/** Passes one request on and its answer back; returns the status. */
async function forward({ target, incoming, outgoing, options, onStall }: Exchange): Promise<number> {
  const path = incoming.url ?? "/";
  const answer = await ask(target, incoming);
  const status = answer.statusCode ?? 502;
  const body = await buffer(answer);
  outgoing.writeHead(status, answer.headers);
  const sent = options.rewrite?.(path, body) ?? body;
  const limit = options.stallAfter?.(path);
  if (limit !== undefined && limit < sent.length) {
    outgoing.write(sent.subarray(0, limit), onStall);
  } else {
    outgoing.end(sent);
  }
  return status;
}

async function ask(target: string, incoming: IncomingMessage): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = request(`http://${target}${incoming.url}`, {
    method: incoming.method,
    headers: { ...incoming.headers, host: target },
  });
  outgoing.on("response", resolve).on("error", reject);
  incoming.pipe(outgoing);
  return await promise;
}
