import { systemClock } from "../base/clock.ts";
import { backoffDelay } from "../base/retry.ts";
import { bodyChunks, discardBody } from "./read-body.ts";
import { RegistryError } from "./registry-error.ts";
import type { RepositoryRequest } from "./repository-session.ts";
import type { TransportAnswer } from "./transport.ts";

/** A blob to be fetched. */
export interface BlobFetch {
  /** Passes over the first `skip` endpoints. */
  readonly send: (
    request: RepositoryRequest,
    accepts: (status: number) => boolean,
    skip: number,
  ) => Promise<TransportAnswer>;
  readonly path: string;
  readonly action: string;
  readonly size: number;
  readonly offset: number;
  readonly signal: AbortSignal | undefined;
}

/** Connections in a row that bring nothing, before a blob is given up. */
const MAX_TRIES_WITHOUT_PROGRESS = 4;
const BACKOFF = { initialMs: 250, maxMs: 5000, jitter: 0.5 };

/** Returns the blob's bytes from `offset` on; asks for the rest anew where the connection breaks or stands still. */
export async function* fetchBlob(fetch: BlobFetch): AsyncIterable<Uint8Array> {
  let at = fetch.offset;
  for (let tries = 0; at < fetch.size;) {
    const before = at;
    try {
      for await (const chunk of readFrom(fetch, at, Math.max(0, tries - 1))) {
        at += chunk.length;
        yield chunk;
      }
      if (at < fetch.size) throw endedEarly(fetch);
    } catch (error) {
      tries = at > before ? 1 : tries + 1;
      if (tries >= MAX_TRIES_WITHOUT_PROGRESS || !isResumable(error)) throw error;
      await systemClock.sleep(backoffDelay(tries - 1, BACKOFF), fetch.signal);
    }
  }
}

/** A mirror that breaks off twice in a row is passed over. */
async function* readFrom(fetch: BlobFetch, at: number, passOver: number): AsyncIterable<Buffer> {
  const answer = await fetch.send(requestOf(fetch, at), (status) => status === 416 && at > 0, passOver);
  let skip = at - startOf(answer, at);
  if (answer.status === 416) {
    discardBody(answer);
    throw endedEarly(fetch);
  }
  for await (const chunk of bodyChunks(answer)) {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}

function requestOf({ path, action, signal }: BlobFetch, at: number): RepositoryRequest {
  const headers: Record<string, string> = { accept: "application/octet-stream, */*" };
  if (at > 0) headers["range"] = `bytes=${at}-`;
  return { method: "GET", path, headers, signal, action, what: "blob" };
}

/** Where in the blob the answer begins: many servers ignore a Range, and some answer another one. */
function startOf(answer: TransportAnswer, asked: number): number {
  if (answer.status !== 206) return answer.status === 200 ? 0 : asked;
  const match = /^bytes (\d{1,16})-/.exec(String(answer.headers["content-range"] ?? ""));
  const start = match === null ? Number.NaN : Number(match[1]);
  if (start <= asked) return start;
  answer.body.destroy();
  throw new RegistryError(
    "UNEXPECTED_ANSWER",
    `Cannot read from "${answer.url.host}": it sent another range than asked for`,
  );
}

function endedEarly({ action }: BlobFetch): RegistryError {
  return new RegistryError("CONNECTION_LOST", `Cannot ${action}: the connection ended before the blob did`);
}

function isResumable(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.code === "CONNECTION_LOST" || error.code === "TIMED_OUT" || error.code === "SERVER_ERROR";
}
