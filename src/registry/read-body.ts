import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

import { RegistryError } from "./registry-error.ts";
import type { TransportAnswer } from "./transport.ts";
import { asTransportError } from "./transport-error.ts";

/** Returns all of an answer's body. Throws `RegistryError` with code `ANSWER_TOO_LARGE` past `maxBytes`. */
export async function readBody(answer: TransportAnswer, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyChunks(answer)) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new RegistryError(
        "ANSWER_TOO_LARGE",
        `Cannot read "${answer.url.host}": its answer exceeds ${maxBytes} bytes`,
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Returns the start of a body, at most `maxBytes` of it, as text; empty where it breaks off. */
export async function readBodyStart(answer: TransportAnswer, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of bodyChunks(answer)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= maxBytes) break;
    }
  } catch {
    // What the answer says is a help, not a must.
  }
  return Buffer.concat(chunks).toString("utf8", 0, maxBytes);
}

/** Lets go of an answer whose body does not matter: a short one is read, so that its connection can be used again. */
export function discardBody({ body }: TransportAnswer): void {
  let length = 0;
  body.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > MAX_DISCARDED_BYTES) body.destroy();
  });
}

const MAX_DISCARDED_BYTES = 64 * 1024;

/** Returns a body's bytes as they come. Leaving the loop early closes the connection. */
export async function* bodyChunks(answer: TransportAnswer): AsyncIterable<Buffer> {
  const body = decoded(answer);
  try {
    for await (const chunk of body) yield chunk as Buffer;
  } catch (error) {
    throw asTransportError(error, answer.url);
  } finally {
    answer.body.destroy();
  }
}

/** Some proxies compress whatever passes, though we ask them not to; digests are those of what they compressed. */
function decoded(answer: TransportAnswer): Readable {
  const encoding = String(answer.headers["content-encoding"] ?? "identity").toLowerCase();
  if (encoding === "identity" || encoding === "") return answer.body;
  if (encoding !== "gzip" && encoding !== "x-gzip") {
    throw new RegistryError(
      "UNEXPECTED_ANSWER",
      `Cannot read "${answer.url.host}": its answer has an unknown encoding`,
    );
  }
  const gunzip = createGunzip();
  answer.body.on("error", (error) => gunzip.destroy(error));
  return answer.body.pipe(gunzip);
}
