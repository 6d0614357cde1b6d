import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../oci/digest.ts";
import { isIndexMediaType, isManifestMediaType, MANIFEST_MEDIA_TYPES, mediaTypeOfHeader } from "../oci/media-type.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { type Hosts, originHosts } from "./endpoint.ts";
import { type ClientContext, EndpointSender, type RepositoryAccess, type Send } from "./endpoint-sender.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { RateLimits } from "./rate-limits.ts";
import { discardBody, readBody } from "./read-body.ts";
import { RegistryError } from "./registry-error.ts";
import type { RepositoryRequest } from "./repository-session.ts";
import { TokenCache } from "./token-cache.ts";
import type { Transport } from "./transport.ts";

/** A client of the OCI distribution API. Throws `RegistryError`, or what a signal was aborted with. */
export interface RegistryClient {
  /** Opens an image's repository with one credential (none: as anybody). Nothing is sent yet. */
  openRepository(access: RepositoryAccess): Repository;

  /** For `push.ts`: what sends to the host that takes the image's content in. `mountable` are repositories of the same registry. */
  openUpload(access: RepositoryAccess, mountable: readonly string[]): EndpointSender;
}

/** One repository of a registry, read with one credential. */
export interface Repository {
  /**
   * Returns what the reference names now; its registry is asked in any case. The manifest comes along where it had to be
   * fetched to know. Throws `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `NO_CREDENTIAL`, `CREDENTIAL_REFUSED`, …
   */
  resolve(signal?: AbortSignal): Promise<ResolvedManifest>;

  /** Returns a manifest or index by digest, checked. */
  fetchManifest(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array>;

  /** Returns a blob's bytes from `offset` on, not checked; goes on where a connection breaks. */
  fetchBlob(descriptor: Descriptor, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface ResolvedManifest {
  readonly descriptor: Descriptor;
  readonly bytes?: Uint8Array;
}

export interface RegistryClientOptions {
  readonly transport: Transport;
  readonly hosts?: Hosts;
}

/** Returns a client. The transport stays the caller's. */
export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const { transport, hosts = originHosts } = options;
  const context: ClientContext = {
    transport,
    hosts,
    tokens: new TokenCache(transport),
    challenges: new Map(),
    plainHttpHosts: new Set(),
    limits: new RateLimits(),
    resting: new Map(),
  };
  return {
    openRepository: (access) => new RemoteRepository(context, access),
    openUpload: (access, mountable) => new EndpointSender(context, access, { actions: "pull,push", mountable }),
  };
}

/** Most that a manifest may have; what registries themselves allow is 4 MiB. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

class RemoteRepository implements Repository {
  readonly #reference: Reference;
  readonly #sender: EndpointSender;

  constructor(context: ClientContext, access: RepositoryAccess) {
    this.#reference = access.reference;
    this.#sender = new EndpointSender(context, access, { actions: "pull" });
  }

  async resolve(signal?: AbortSignal): Promise<ResolvedManifest> {
    const { digest, tag } = this.#reference;
    const ask = { name: digest ?? tag ?? "latest", action: `resolve "${formatReference(this.#reference)}"`, signal };
    const capability = digest === undefined ? "resolve" : "pull";
    return await this.#sender.attempt(
      capability,
      async (send) => (await headManifest(send, ask)) ?? (await getManifest(send, ask)),
    );
  }

  async fetchManifest({ digest }: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
    const ask = { name: digest, action: `fetch manifest "${this.#reference.repository}@${digest}"`, signal };
    const { bytes } = await this.#sender.attempt("pull", async (send) => await getManifest(send, ask));
    return bytes;
  }

  fetchBlob({ digest, size }: Descriptor, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    return fetchBlob({
      send: (request, accepts, skip) =>
        this.#sender.attempt("pull", async (send) => await send(request, accepts), skip),
      path: `blobs/${digest}`,
      action: `fetch blob "${this.#reference.repository}@${digest}"`,
      size,
      offset,
      signal,
    });
  }
}

interface ManifestAsk {
  /** Tag or digest. */
  readonly name: string;
  readonly action: string;
  readonly signal: AbortSignal | undefined;
}

/** HEAD costs a registry little, and no rate limit counts it; undefined where its answer does not say enough. */
async function headManifest(send: Send, ask: ManifestAsk): Promise<ResolvedManifest | undefined> {
  // GET tells why: an answer to HEAD has no body.
  const answer = await send(manifestRequest("HEAD", ask), (status) => status >= 400 && status < 429);
  discardBody(answer);
  if (answer.status !== 200) return undefined;
  const mediaType = mediaTypeOfHeader(textOf(answer.headers["content-type"]));
  const digest = textOf(answer.headers["docker-content-digest"]) ?? "";
  const size = Number(answer.headers["content-length"] ?? Number.NaN);
  const isManifest = isIndexMediaType(mediaType) || isManifestMediaType(mediaType);
  if (!isManifest || !isDigest(digest) || !Number.isSafeInteger(size) || size <= 0) return undefined;
  if (isDigest(ask.name) && ask.name !== digest) return undefined;
  return { descriptor: { mediaType, digest, size } };
}

async function getManifest(send: Send, ask: ManifestAsk) {
  const answer = await send(manifestRequest("GET", ask));
  const bytes = await readBody(answer, MAX_MANIFEST_BYTES);
  // The digest is always that of the bytes: what headers say of it is too often wrong.
  const digest = isDigest(ask.name) ? checkedDigest(ask.name, bytes, ask.action) : digestOf(bytes);
  const mediaType = mediaTypeOfHeader(textOf(answer.headers["content-type"]));
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
}

function manifestRequest(method: "GET" | "HEAD", { name, action, signal }: ManifestAsk): RepositoryRequest {
  const headers = { accept: [...MANIFEST_MEDIA_TYPES, "*/*"].join(", ") };
  return { method, path: `manifests/${name}`, headers, signal, action, what: "manifest" };
}

function checkedDigest(expected: Digest, bytes: Uint8Array, action: string): Digest {
  const digest = digestOf(bytes, expected.startsWith("sha512:") ? "sha512" : "sha256");
  if (digest === expected) return digest;
  throw new RegistryError(
    "DIGEST_MISMATCH",
    `Cannot ${action}: the registry sent a manifest whose digest is ${digest}`,
  );
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
