import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** How a proxy misbehaves. */
export interface RecordingProxyOptions {
  /** While it answers true, connections are closed without an answer. */
  readonly isDown?: () => boolean;
  /** Returns other bytes for an answer's body; the headers stay. */
  readonly rewrite?: (path: string, body: Buffer) => Buffer;
  /** Waits before the body of a path is passed on. */
  readonly hold?: (path: string) => Promise<void>;
}

/** A real HTTP server on a loopback port of its own that stands before a registry and remembers what was asked. */
export interface RecordingProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for image references. */
  readonly host: string;
  /** `METHOD PATH STATUS` of each request since the last `clear`. */
  requests(): string[];
  clear(): void;
}

/** Starts a proxy before the registry at `target` (`HOST:PORT`, plain HTTP). */
export async function openRecordingProxy(target: string, options: RecordingProxyOptions = {}): Promise<RecordingProxy> {
  const requests: string[] = [];
  const server = createServer((incoming, outgoing) => {
    if (options.isDown?.() === true) {
      incoming.socket.destroy();
      return;
    }
    forward({ target, incoming, outgoing, options }).then(
      (status) => requests.push(`${incoming.method} ${incoming.url} ${status}`),
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => [...requests],
    clear: () => void requests.splice(0),
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
}

/** Passes one request on and its answer back; returns the status. */
async function forward({ target, incoming, outgoing, options }: Exchange): Promise<number> {
  const path = incoming.url ?? "/";
  const answer = await ask(target, incoming);
  const status = answer.statusCode ?? 502;
  const body = await buffer(answer);
  outgoing.writeHead(status, answer.headers);
  outgoing.flushHeaders();
  await options.hold?.(path);
  outgoing.end(options.rewrite?.(path, body) ?? body);
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
