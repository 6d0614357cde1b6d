import { type IncomingMessage, request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { codeOf, messageOf } from "../base/coded-error.ts";
import { CriError, type CriErrorCode } from "./cri-error.ts";
import type { ImageAdministration } from "./image-administration.ts";
import { IMAGES_PATH, MAX_MESSAGE_BYTES, type WireError, type WireEvent } from "./images-protocol.ts";

/**
 * Returns the administration of images that answers on a socket. Nothing is sent yet. Throws `CriError`: `UNAVAILABLE`
 * where nobody answers, and what the other side throws.
 */
export function createImagesClient(socketPath: string): ImageAdministration {
  const call = async <T>(method: string, ...args: readonly unknown[]): Promise<T> =>
    (await readJson(await send({ socketPath, method, body: jsonBody(args) }))) as T;
  return {
    pull: (request, signal) => events({ socketPath, method: "pull", body: jsonBody([request]), signal }),
    push: (request, signal) => events({ socketPath, method: "push", body: jsonBody([request]), signal }),
    list: () => call("list"),
    inspect: (image) => call("inspect", image),
    tag: (image, name) => call("tag", image, name),
    remove: (image, options) => call("remove", image, options),
    prune: (options) => call("prune", options),
    diskUsage: () => call("diskUsage"),
    check: (options, signal) => readCall({ socketPath, method: "check", body: jsonBody([options]), signal }),
    save: (images, signal) => bytes({ socketPath, method: "save", body: jsonBody([images]), signal }),
    load: (archive, signal) => readCall({ socketPath, method: "load", body: archive, signal }),
  };
}

/** Says whether somebody answers on the socket. Throws `UNAVAILABLE` where something keeps us from asking. */
export async function isAnswering(socketPath: string): Promise<boolean> {
  try {
    const answer = await send({ socketPath, method: "ping", body: jsonBody([]) });
    answer.resume();
    return true;
  } catch (error) {
    if (!(error instanceof CriError)) throw error;
    const reason = codeOf(error.cause);
    // ENOENT: never started; ECONNREFUSED: its process ended without removing the socket.
    if (reason === "ENOENT" || reason === "ECONNREFUSED") return false;
    throw error;
  }
}

interface Call {
  readonly socketPath: string;
  readonly method: string;
  readonly body: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

async function readCall<T>(call: Call): Promise<T> {
  return (await readJson(await send(call))) as T;
}

/** Sends a call and returns its answer, which was no error. */
async function send({ socketPath, method, body, signal }: Call): Promise<IncomingMessage> {
  const outgoing = httpRequest({
    socketPath,
    method: "POST",
    path: IMAGES_PATH + method,
    ...(signal === undefined ? {} : { signal }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  outgoing.once("response", resolve);
  outgoing.on("error", reject);
  // The other side may answer before it has read all, and then close.
  const sending = pipeline(Readable.from(body), outgoing);
  sending.catch(reject);
  try {
    const answer = await promise;
    if (answer.statusCode === 200) return answer;
    throw errorOf((await readJson(answer)) as WireError);
  } catch (error) {
    if (error instanceof CriError || signal?.aborted === true) throw error;
    throw new CriError("UNAVAILABLE", `Cannot ask the node for its images: ${messageOf(error)}`, { cause: error });
  }
}

async function* events<T>(call: Call): AsyncGenerator<T> {
  const answer = await send(call);
  let isDone = false;
  answer.once("end", () => (isDone = true));
  // The lines end where the answer breaks off; whether it was whole is asked below.
  answer.on("error", () => {});
  try {
    for await (const line of createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY })) {
      const event = JSON.parse(line) as WireEvent;
      if ("error" in event) throw errorOf(event.error);
      yield event.event as T;
    }
    call.signal?.throwIfAborted();
    if (!isDone) throw new CriError("UNAVAILABLE", "Cannot read the node's answer: it ended early");
  } finally {
    // Who stops reading wants no more of it to be done.
    answer.destroy();
  }
}

async function* bytes(call: Call): AsyncGenerator<Uint8Array> {
  yield* (await send(call)) as AsyncIterable<Buffer>;
}

async function readJson(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new CriError("UNKNOWN", "Cannot read the node's answer: it is too long");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
}

/** The list of a node's images has at most some thousand. */
const MAX_ANSWER_BYTES = 16 * MAX_MESSAGE_BYTES;

function errorOf({ code, message, hint }: WireError): CriError {
  return new CriError(code as CriErrorCode, message, { hint });
}

async function* jsonBody(args: readonly unknown[]): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(JSON.stringify(args)));
}
