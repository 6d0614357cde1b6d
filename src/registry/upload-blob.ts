import { Readable } from "node:stream";

import { systemClock } from "../base/clock.ts";
import { backoffDelay } from "../base/retry.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Send } from "./endpoint-sender.ts";
import { discardBody } from "./read-body.ts";
import { RegistryError } from "./registry-error.ts";
import type { TransportAnswer } from "./transport.ts";

/** Opens a blob's bytes from an offset on; called anew for each try. */
export type BlobSource = (offset: number) => AsyncIterable<Uint8Array>;

/** A blob on its way to a registry. */
export interface BlobUpload {
  readonly send: Send;
  readonly descriptor: Descriptor;
  readonly openStream: BlobSource;
  readonly mountFrom: string | undefined;
  readonly action: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: (bytes: number) => void;
}

/** Tries in a row that bring nothing further, before an upload is given up. */
const MAX_TRIES_WITHOUT_PROGRESS = 4;
const BACKOFF = { initialMs: 250, maxMs: 5000, jitter: 0.5 };

/** Uploads a blob in one request; where that breaks off, sends what is missing. */
export async function uploadBlob(upload: BlobUpload): Promise<"mounted" | "uploaded"> {
  let session = await beginUpload(upload, upload.mountFrom);
  if (session === "mounted") return session;
  let offset = 0;
  for (let tries = 1; ; tries++) {
    try {
      await sendRest(upload, session, offset);
      return "uploaded";
    } catch (error) {
      upload.signal?.throwIfAborted();
      if (tries >= MAX_TRIES_WITHOUT_PROGRESS || !mayGoOn(error)) throw error;
      await systemClock.sleep(backoffDelay(tries - 1, BACKOFF), upload.signal);
    }
    const before = offset;
    const known: Session | undefined = await askProgress(upload, session);
    session = known ?? (await beginAnew(upload));
    offset = known?.offset ?? 0;
    if (offset > before) tries = 0;
    upload.onProgress(offset);
  }
}

interface Session {
  readonly location: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
}

async function beginUpload(upload: BlobUpload, mountFrom: string | undefined): Promise<Session | "mounted"> {
  const { send, action, signal, descriptor } = upload;
  const query = new URLSearchParams(mountFrom === undefined ? {} : { mount: descriptor.digest, from: mountFrom });
  const path = `blobs/uploads/${mountFrom === undefined ? "" : `?${query.toString()}`}`;
  // Where the other repository may not be read, an upload still may be begun.
  const accepts = (status: number) => mountFrom !== undefined && status >= 400 && status < 429;
  const headers = { "content-length": "0" };
  const answer = await send({ method: "POST", path, headers, action, signal, what: "upload" }, accepts);
  discardBody(answer);
  if (answer.status === 201 && mountFrom !== undefined) return "mounted";
  if (answer.status >= 400) return await beginUpload(upload, undefined);
  return { location: locationOf(answer, upload), offset: 0 };
}

async function beginAnew(upload: BlobUpload): Promise<Session> {
  const session = await beginUpload(upload, undefined);
  if (session !== "mounted") return session;
  throw new RegistryError("UNEXPECTED_ANSWER", `Cannot ${upload.action}: the registry began no upload`);
}

/** The whole blob goes in the closing PUT; the rest of a broken one first by PATCH, as the specification has it. */
async function sendRest(upload: BlobUpload, session: Session, offset: number): Promise<void> {
  const { send, descriptor, action, signal } = upload;
  if (offset === 0) return await close(upload, session.location, descriptor.size);
  const range = `${offset}-${descriptor.size - 1}`;
  let { location } = session;
  if (offset < descriptor.size) {
    const length = descriptor.size - offset;
    const headers = { ...bodyHeaders(length), "content-range": range };
    const body = bodyFrom(upload, offset);
    const request = { method: "PATCH", path: location, headers, body, isRepeatable: false } as const;
    const answer = await send({ ...request, action, signal, what: "upload" });
    discardBody(answer);
    location = locationOf(answer, upload);
  }
  await close(upload, location, 0);
}

async function close(upload: BlobUpload, location: URL, length: number): Promise<void> {
  const { send, descriptor, action, signal } = upload;
  const path = new URL(location);
  path.searchParams.set("digest", descriptor.digest);
  const body = length === 0 ? {} : { body: bodyFrom(upload, 0) };
  const request = { method: "PUT", path, headers: bodyHeaders(length), ...body, isRepeatable: false } as const;
  discardBody(await send({ ...request, action, signal, what: "upload" }));
  upload.onProgress(descriptor.size);
}

function bodyHeaders(length: number): Record<string, string> {
  return { "content-type": "application/octet-stream", "content-length": String(length) };
}

function bodyFrom({ openStream, onProgress }: BlobUpload, offset: number): () => Readable {
  return () => Readable.from(counted(openStream(offset), offset, onProgress), { objectMode: false });
}

async function* counted(source: AsyncIterable<Uint8Array>, offset: number, onProgress: (bytes: number) => void) {
  let at = offset;
  for await (const chunk of source) {
    yield chunk;
    at += chunk.length;
    onProgress(at);
  }
}

/** Asks the registry how much of a broken upload it has; undefined where it keeps nothing of it. */
async function askProgress(upload: BlobUpload, { location }: Session): Promise<Session | undefined> {
  const { send, action, signal, descriptor } = upload;
  const request = { method: "GET", path: location, action, signal, what: "upload" } as const;
  const answer = await send(request, (status) => status >= 400 && status < 500);
  discardBody(answer);
  const last = /^(?:bytes=)?0-(\d{1,16})$/.exec(String(answer.headers["range"] ?? ""))?.[1];
  if (answer.status >= 300 || last === undefined) return undefined;
  const offset = Number(last) + 1;
  // "0-0" is what registries say of an upload that is empty too: its one byte is sent again.
  return offset === 1 || offset > descriptor.size ? undefined : { location: locationOf(answer, upload), offset };
}

/** The registry chooses where the upload goes on; like every address of its choosing it is no reason to leave https. */
function locationOf({ headers, url }: TransportAnswer, { action }: BlobUpload): URL {
  const header = headers["location"];
  const location = typeof header === "string" ? URL.parse(header, url.href) : null;
  if (location === null || (location.protocol !== "https:" && location.protocol !== "http:")) {
    throw new RegistryError(
      "UNEXPECTED_ANSWER",
      `Cannot ${action}: "${url.host}" does not say where the upload goes on`,
    );
  }
  location.username = "";
  location.password = "";
  location.hash = "";
  // Registries behind a proxy that ends TLS often say http for themselves.
  if (location.hostname === url.hostname && location.protocol !== url.protocol) {
    location.protocol = url.protocol;
    location.port = url.port;
  }
  if (url.protocol === "https:" && location.protocol === "http:") {
    throw new RegistryError("REDIRECT_REFUSED", `Cannot ${action}: "${url.host}" leads from https to http`);
  }
  return location;
}

function mayGoOn(error: unknown): boolean {
  if (!(error instanceof RegistryError)) return false;
  return error.code === "CONNECTION_LOST" || error.code === "TIMED_OUT" || error.code === "SERVER_ERROR";
}
