import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { requestEntityTooLargeStatus, timeoutStatus } from "../../api/status.ts";

/** The longest body a request may have, in bytes. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Reads a request's body. Throws `StatusError` with code `RequestEntityTooLarge` without reading on, and `Timeout`. */
export async function readBody(request: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES)
    throw requestEntityTooLargeStatus(MAX_BODY_BYTES);
  const late = timeoutStatus("the body of the request did not arrive in time");
  const timer = setTimeout(() => request.destroy(late), BODY_TIMEOUT_MS);
  try {
    return await collect(request as AsyncIterable<Buffer>);
  } finally {
    clearTimeout(timer);
  }
}

const BODY_TIMEOUT_MS = 60_000;

async function collect(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw requestEntityTooLargeStatus(MAX_BODY_BYTES);
  }
  return Buffer.concat(chunks);
}
