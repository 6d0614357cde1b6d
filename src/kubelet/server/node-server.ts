import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";

import type { PodStatus } from "../../api/core-v1.gen.ts";
import { codeOf, messageOf } from "../../base/coded-error.ts";
import type { Logger } from "../../base/log.ts";
import type { Secret } from "../../base/secret.ts";
import type { RuntimeService } from "../../cri/runtime-service.ts";
import type { NodePod } from "../node-pod.ts";
import { readPodRuntime } from "../pod-runtime.ts";
import { identifyClient, mayUseKubelet } from "./authorize-client.ts";
import { isContainerRunning, logContainerOf, RequestError } from "./container-log-request.ts";
import { kubeletMetrics } from "./kubelet-metrics.ts";
import { parseLogOptions } from "./log-options.ts";
import { readLog } from "./read-log.ts";

export interface NodeServerOptions {
  readonly nodeName: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** PEM. */
  readonly certificate: string;
  readonly key: Secret;
  /** PEM of the authority that clients must be certified by. */
  readonly clientCa: string;
  readonly runtime: RuntimeService;
  readonly pods: PodLookup;
  /** Calls back when a container of the pod has changed; returns what ends that. */
  readonly onPodChange: (podUid: string, callback: () => void) => () => void;
  readonly logger: Logger;
}

/** The pods of this node as the kubelet knows them. */
export interface PodLookup {
  find(namespace: string, name: string): FoundPod | undefined;
  list(): readonly FoundPod[];
}

export interface FoundPod {
  readonly pod: NodePod;
  readonly status: PodStatus | undefined;
}

/** The kubelet's own HTTPS server. Every path asks for a client certificate of the cluster. */
export interface NodeServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts the server; resolves when it listens. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const server = createServer(
    {
      cert: options.certificate,
      key: options.key.reveal(),
      ca: options.clientCa,
      requestCert: true,
      // Answered with 401, which says more than a broken connection.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      maxHeaderSize: 64 * 1024,
    },
    (request, response) => void answer(options, request, response),
  );
  server.requestTimeout = 60_000;
  server.listen(options.port, options.host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: () => close(server) };
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

async function answer(options: NodeServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    authorize(request);
    await route(options, request, response);
  } catch (error) {
    fail(options, response, error);
  }
}

function authorize(request: IncomingMessage): void {
  const client = identifyClient(request.socket as TLSSocket);
  if (client === undefined) throw new RequestError(401, "Unauthorized");
  if (mayUseKubelet(client)) return;
  throw new RequestError(403, `Forbidden (user=${client.user}, verb=get, resource=nodes, subresource=proxy)`);
}

async function route(options: NodeServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== "GET" && request.method !== "HEAD") throw new RequestError(405, "Method Not Allowed");
  const url = new URL(request.url ?? "/", "https://kubelet");
  const [verb = "", ...segments] = url.pathname.split("/").slice(1).map(decodeSegment);
  if (verb === "healthz") return sendText(response, "ok");
  if (verb === "pods") return sendJson(response, podList(options));
  if (verb === "metrics") return sendText(response, await kubeletMetrics(options.runtime, options.nodeName));
  const [namespace, pod, container, ...rest] = segments;
  const isLog = verb === "containerLogs" && rest.length === 0;
  if (!isLog || namespace === undefined || pod === undefined || container === undefined) {
    throw new RequestError(404, "404 page not found");
  }
  await sendLog(options, { namespace, pod, container, query: url.searchParams }, response);
}

interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly query: URLSearchParams;
}

async function sendLog(options: NodeServerOptions, request: LogRequest, response: ServerResponse): Promise<void> {
  const { runtime, pods, onPodChange } = options;
  const found = pods.find(request.namespace, request.pod);
  if (found === undefined) throw new RequestError(404, `pod "${request.pod}" not found`);
  const logOptions = logOptionsOf(request.query);
  const { pod, status } = found;
  const target = { pod, status, containerName: request.container, isPrevious: logOptions.previous };
  const { id, logPath } = logContainerOf({ ...target, runtime: await readPodRuntime(runtime, pod.uid) });
  const source = {
    path: logPath,
    isRunning: () => isContainerRunning(runtime, id),
    onChange: (callback: () => void) => onPodChange(pod.uid, callback),
  };
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { "Content-Type": "text/plain" });
  // A follower waits for the first line: let it know that it is heard.
  response.flushHeaders();
  await pipeline(
    Readable.from(readLog(source, logOptions, gone.signal), { objectMode: true, highWaterMark: 1 }),
    response,
  );
}

function logOptionsOf(query: URLSearchParams): ReturnType<typeof parseLogOptions> {
  try {
    return parseLogOptions(query, Date.now());
  } catch (error) {
    throw new RequestError(400, messageOf(error));
  }
}

function podList({ pods }: NodeServerOptions): object {
  const items = pods.list().map(({ pod, status }) => ({ ...pod.object, status }));
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RequestError(400, "Bad Request");
  }
}

function sendText(response: ServerResponse, text: string): void {
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" }).end(text);
}

function sendJson(response: ServerResponse, body: object): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function fail({ logger }: NodeServerOptions, response: ServerResponse, error: unknown): void {
  const isExpected = error instanceof RequestError;
  // A client that went away in the middle of a log is no fault.
  const isGone = codeOf(error) === "ERR_STREAM_PREMATURE_CLOSE";
  if (!isExpected && !isGone) logger.error({ error: messageOf(error) }, "request to the kubelet failed");
  if (response.headersSent) response.destroy();
  else
    response
      .writeHead(isExpected ? error.httpStatus : 500, { "Content-Type": "text/plain; charset=utf-8" })
      .end(messageOf(error));
}
