import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../oci/digest.ts";
import { isIndexMediaType, isManifestMediaType, MANIFEST_MEDIA_TYPES, mediaTypeOfHeader } from "../oci/media-type.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import type { RequestTrace } from "../trace/pull-trace.ts";
import { Authorizer } from "./authorizer.ts";
import type { Challenge } from "./challenge.ts";
import type { RegistryCredential } from "./credential.ts";
import { type Endpoint, type Hosts, originHosts } from "./endpoint.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { discardBody, readBody } from "./read-body.ts";
import { RegistryError } from "./registry-error.ts";
import { type RepositoryRequest, RepositorySession } from "./repository-session.ts";
import { TokenCache } from "./token-cache.ts";
import type { Transport } from "./transport.ts";
import { isNotTls } from "./transport-error.ts";

/** A client of the OCI distribution API. Throws `RegistryError`, or what a signal was aborted with. */
export interface RegistryClient {
  /** Opens an image's repository with one credential (none: as anybody). Nothing is sent yet. */
  openRepository(options: OpenRepositoryOptions): Repository;
}

interface OpenRepositoryOptions {
  readonly reference: Reference;
  readonly credential?: RegistryCredential | undefined;
  /** Told of each request and its answer. */
  readonly onRequest?: (request: RequestTrace) => void;
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
export function createRegistryClient({ transport, hosts = originHosts }: RegistryClientOptions): RegistryClient {
  const context: ClientContext = {
    transport,
    tokens: new TokenCache(transport),
    challenges: new Map(),
    plainHttpHosts: new Set(),
  };
  return { openRepository: (options) => new RemoteRepository(context, options, hosts(options.reference)) };
}

/** Most that a manifest may have; what registries themselves allow is 4 MiB. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;

interface ClientContext {
  readonly transport: Transport;
  readonly tokens: TokenCache;
  readonly challenges: Map<string, Challenge>;
  /** Hosts that turned out to speak no TLS. */
  readonly plainHttpHosts: Set<string>;
}

class RemoteRepository implements Repository {
  readonly #context: ClientContext;
  readonly #options: OpenRepositoryOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #sessions = new Map<string, RepositorySession>();

  constructor(context: ClientContext, options: OpenRepositoryOptions, endpoints: readonly Endpoint[]) {
    this.#context = context;
    this.#options = options;
    this.#endpoints = endpoints;
  }

  async resolve(signal?: AbortSignal): Promise<ResolvedManifest> {
    const { reference } = this.#options;
    const action = `resolve "${formatReference(reference)}"`;
    const name = reference.digest ?? reference.tag ?? "latest";
    return (await this.#head(name, action, signal)) ?? (await this.#getManifest(name, action, signal));
  }

  async fetchManifest(descriptor: Descriptor, signal?: AbortSignal): Promise<Uint8Array> {
    const action = `fetch manifest "${this.#options.reference.repository}@${descriptor.digest}"`;
    const { bytes } = await this.#getManifest(descriptor.digest, action, signal);
    return bytes;
  }

  fetchBlob(descriptor: Descriptor, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array> {
    const { path, repository } = this.#options.reference;
    return fetchBlob({
      send: (request, accepts) => this.#send(request, accepts),
      path: `/v2/${path}/blobs/${descriptor.digest}`,
      action: `fetch blob "${repository}@${descriptor.digest}"`,
      size: descriptor.size,
      offset,
      signal,
    });
  }

  /** HEAD costs a registry little, and no rate limit counts it; undefined where its answer does not say enough. */
  async #head(name: string, action: string, signal: AbortSignal | undefined): Promise<ResolvedManifest | undefined> {
    const request = this.#manifestRequest("HEAD", name, action, signal);
    // GET tells why: an answer to HEAD has no body.
    const answer = await this.#send(request, (status) => status >= 400 && status < 429);
    discardBody(answer);
    if (answer.status !== 200) return undefined;
    const mediaType = mediaTypeOfHeader(textOf(answer.headers["content-type"]));
    const digest = textOf(answer.headers["docker-content-digest"]) ?? "";
    const size = Number(answer.headers["content-length"] ?? Number.NaN);
    const isManifest = isIndexMediaType(mediaType) || isManifestMediaType(mediaType);
    if (!isManifest || !isDigest(digest) || !Number.isSafeInteger(size) || size <= 0) return undefined;
    const { digest: wanted } = this.#options.reference;
    if (wanted !== undefined && wanted !== digest) return undefined;
    return { descriptor: { mediaType, digest, size } };
  }

  async #getManifest(name: string, action: string, signal: AbortSignal | undefined) {
    const answer = await this.#send(this.#manifestRequest("GET", name, action, signal));
    const bytes = await readBody(answer, MAX_MANIFEST_BYTES);
    // The digest is always that of the bytes: what headers say of it is too often wrong.
    const digest = isDigest(name) ? checkedDigest(name, bytes, action) : digestOf(bytes);
    const mediaType = mediaTypeOfHeader(textOf(answer.headers["content-type"]));
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  }

  #manifestRequest(
    method: "GET" | "HEAD",
    name: string,
    action: string,
    signal: AbortSignal | undefined,
  ): RepositoryRequest {
    const path = `/v2/${this.#options.reference.path}/manifests/${name}`;
    const headers = { accept: [...MANIFEST_MEDIA_TYPES, "*/*"].join(", ") };
    return { method, path, headers, signal, action, what: "manifest" };
  }

  /** Asks the endpoints in their order; the last one's error counts. */
  async #send(request: RepositoryRequest, accepts?: (status: number) => boolean) {
    for (const endpoint of this.#endpoints.slice(0, -1)) {
      try {
        return await this.#sendTo(endpoint, request, accepts);
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
      }
    }
    const last = this.#endpoints.at(-1);
    if (last === undefined) throw new RangeError("Cannot ask for an image: it has no endpoint");
    return await this.#sendTo(last, request, accepts);
  }

  async #sendTo(endpoint: Endpoint, request: RepositoryRequest, accepts?: (status: number) => boolean) {
    const { plainHttpHosts } = this.#context;
    if (!plainHttpHosts.has(endpoint.host)) {
      try {
        return await this.#session(endpoint, "https").send(request, accepts);
      } catch (error) {
        if (!endpoint.allowsPlainHttp || !(isNotTls(error) || isNothingAtTlsPort(error, endpoint))) throw error;
      }
    }
    const answer = await this.#session(endpoint, "http").send(request, accepts);
    plainHttpHosts.add(endpoint.host);
    return answer;
  }

  #session(endpoint: Endpoint, scheme: "http" | "https"): RepositorySession {
    const origin = new URL(`${scheme}://${endpoint.host}`);
    const existing = this.#sessions.get(origin.origin);
    if (existing !== undefined) return existing;
    const { transport, tokens, challenges } = this.#context;
    const { reference, credential, onRequest = () => {} } = this.#options;
    const authorizer = new Authorizer({
      origin,
      // A credential is for the registry that the image's name says, never for a mirror of it.
      credential: endpoint.isOrigin ? credential : undefined,
      tokens,
      challenges,
      scope: `repository:${reference.path}:pull`,
    });
    const session = new RepositorySession({ transport, authorizer, origin, onRequest });
    this.#sessions.set(origin.origin, session);
    return session;
  }
}

function isNothingAtTlsPort(error: unknown, { host }: Endpoint): boolean {
  return error instanceof RegistryError && error.code === "CONNECTION_REFUSED" && !/:\d+$/.test(host);
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
