import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { requestEntityTooLargeStatus } from "../../api/status.ts";

/** The longest body a request may have, in bytes. */
export const MAX_BODY_BYTES = 3 * 1024 * 1024;

/** Reads a request's body. Throws `StatusError` with code `RequestEntityTooLarge` without reading on. */
export async function readBody(request: IncomingMessage | Http2ServerRequest): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > MAX_BODY_BYTES)
    throw requestEntityTooLargeStatus(MAX_BODY_BYTES);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw requestEntityTooLargeStatus(MAX_BODY_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
