import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { once } from "node:events";

import { CodedError, messageOf } from "../base/coded-error.ts";
import { disposable } from "../base/disposable.ts";
import { CriError } from "./cri-error.ts";
import type { ImageAdministration } from "./image-administration.ts";
import { IMAGES_PATH, MAX_MESSAGE_BYTES, type WireError, type WireEvent } from "./images-protocol.ts";

/**
 * Serves `berth.images.v1` on a Unix socket that only its owner can reach. What lies at `path` is taken for left over.
 * Disposing of it breaks off what runs, and removes the socket.
 */
export async function serveImages(path: string, images: ImageAdministration): Promise<AsyncDisposable> {
  await rm(path, { force: true });
  const server = createServer((request, response) => void answer(images, request, response));
  // An archive may take as long as its reader or writer takes.
  server.requestTimeout = 0;
  await listen(server, path);
  return disposable(async () => {
    server.close();
    server.closeAllConnections();
    await rm(path, { force: true });
  });
}

async function listen(server: Server, path: string): Promise<void> {
  const umask = process.umask(0o077);
  try {
    const listening = once(server, "listening");
    server.listen(path);
    await listening;
  } finally {
    process.umask(umask);
  }
}

async function answer(images: ImageAdministration, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort(new DOMException("The client is gone", "AbortError")));
  // Whoever went away needs no answer.
  response.on("error", () => {});
  try {
    const method = methodOf(request);
    if (method === "load") {
      sendJson(response, 200, await images.load(request as AsyncIterable<Buffer>, gone.signal));
      return;
    }
    await dispatch({ images, response, signal: gone.signal, method, args: await readArguments(request) });
  } catch (error) {
    sendError(response, error);
  }
}

interface Dispatch {
  readonly images: ImageAdministration;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
  readonly method: string;
  readonly args: readonly unknown[];
}

type Arguments<Method extends keyof ImageAdministration> = Parameters<ImageAdministration[Method]>;

async function dispatch({ images, response, signal, method, args }: Dispatch): Promise<void> {
  switch (method) {
    case "pull":
      await sendEvents(response, images.pull((args as Arguments<"pull">)[0], signal));
      return;
    case "push":
      await sendEvents(response, images.push((args as Arguments<"push">)[0], signal));
      return;
    case "save":
      await sendBytes(response, images.save((args as Arguments<"save">)[0], signal));
      return;
    default:
      sendJson(response, 200, await call({ images, method, args, signal }));
  }
}

async function call({ images, method, args, signal }: Omit<Dispatch, "response">): Promise<unknown> {
  switch (method) {
    case "ping":
      return {};
    case "list":
      return await images.list();
    case "inspect":
      return await images.inspect(...(args as Arguments<"inspect">));
    case "tag":
      return await images.tag(...(args as Arguments<"tag">));
    case "remove":
      return await images.remove(...(args as Arguments<"remove">));
    case "prune":
      return await images.prune(...(args as Arguments<"prune">));
    case "diskUsage":
      return await images.diskUsage();
    case "check":
      return await images.check((args as Arguments<"check">)[0], signal);
    default:
      throw new CriError("UNIMPLEMENTED", `Cannot answer "${method.slice(0, 64)}": berth.images.v1 has no such method`);
  }
}

function methodOf({ method, url = "" }: IncomingMessage): string {
  if (method === "POST" && url.startsWith(IMAGES_PATH)) return url.slice(IMAGES_PATH.length);
  throw new CriError("UNIMPLEMENTED", `Cannot answer: requests are POST ${IMAGES_PATH}<method>`);
}

async function readArguments(request: IncomingMessage): Promise<readonly unknown[]> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_MESSAGE_BYTES) throw malformed("it is too long");
    chunks.push(chunk);
  }
  try {
    const args = JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
    if (Array.isArray(args)) return args as readonly unknown[];
  } catch {
    // The parser's message would quote the request, which may hold a password.
  }
  throw malformed("it is no JSON list");
}

async function sendEvents(response: ServerResponse, events: AsyncIterable<unknown>): Promise<void> {
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
  try {
    for await (const event of events) {
      if (response.destroyed) return;
      await write(response, { event });
    }
  } catch (error) {
    await write(response, { error: wireErrorOf(error) });
  }
  response.end();
}

async function write(response: ServerResponse, event: WireEvent): Promise<void> {
  await writeBytes(response, Buffer.from(`${JSON.stringify(event)}\n`));
}

async function sendBytes(response: ServerResponse, archive: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of archive) {
    if (response.destroyed) return;
    if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-tar" });
    await writeBytes(response, chunk);
  }
  response.end();
}

async function writeBytes(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  if (response.destroyed || response.write(chunk)) return;
  const closed = new AbortController();
  const end = () => closed.abort();
  response.once("close", end);
  // A reader that is gone is noticed by who produces, through the signal.
  await once(response, "drain", { signal: closed.signal }).catch(() => {});
  response.off("close", end);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(value));
}

function sendError(response: ServerResponse, error: unknown): void {
  // Half an archive must not look like a whole one.
  if (response.headersSent) response.destroy();
  else sendJson(response, 400, wireErrorOf(error));
}

function wireErrorOf(error: unknown): WireError {
  const code = error instanceof CriError ? error.code : "UNKNOWN";
  return { code, message: messageOf(error), hint: error instanceof CodedError ? error.hint : undefined };
}

function malformed(reason: string): CriError {
  return new CriError("INVALID_ARGUMENT", `Cannot read the request: ${reason}`);
}
