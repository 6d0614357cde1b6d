/** What a handler answers with. */
export interface ApiResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: ResponseBody;
}

/** Bytes, the parts of a longer body, or something that goes on. */
export type ResponseBody = Uint8Array | readonly Uint8Array[] | ResponseStream;

/** A body that is written as it comes, until it ends, the client goes, or the server closes. */
export interface ResponseStream {
  /** Resolves when the body is complete; a rejection cuts it off. */
  write(sink: ResponseSink, signal: AbortSignal): Promise<void>;
}

/** Where a stream goes. What the client is too slow to take waits in a bounded queue. */
export interface ResponseSink {
  /** Sends a chunk; false where the queue is full: the chunk is lost and the stream must end. */
  offer(chunk: Uint8Array): boolean;
  /** Resolves when everything offered was handed to the connection. */
  flushed(): Promise<void>;
}

/** Says whether a body goes on after its headers. */
export function isStream(body: ResponseBody): body is ResponseStream {
  return "write" in body && typeof body.write === "function" && !(body instanceof Uint8Array);
}

/** Returns a JSON answer. */
export function jsonResponse(status: number, value: unknown, contentType = "application/json"): ApiResponse {
  return { status, headers: { "content-type": contentType }, body: Buffer.from(`${JSON.stringify(value)}\n`) };
}

/** Returns a plain text answer. */
export function textResponse(status: number, text: string): ApiResponse {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: Buffer.from(text) };
}
