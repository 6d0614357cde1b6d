import { Secret } from "../../src/base/secret.ts";
import type { Descriptor } from "../../src/oci/descriptor.ts";
import { digestOf } from "../../src/oci/digest.ts";
import { MEDIA_TYPES } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { RegistryCredential } from "../../src/registry/credential.ts";
import type { Endpoint, Hosts } from "../../src/registry/endpoint.ts";
import { createRegistryClient, type Repository } from "../../src/registry/registry-client.ts";
import { createTransport, type Transport, type TransportOptions } from "../../src/registry/transport.ts";
import type {
  RegistrySimulator,
  SimulatedAnswer,
  SimulatedHost,
  SimulatedRequest,
} from "../../src/testing/registry-simulator.ts";
import type { RequestTrace } from "../../src/trace/pull-trace.ts";

export const SECRET = "pass-canary";
export const BASIC: RegistryCredential = { kind: "basic", username: "alice", password: new Secret(SECRET) };
export const BASIC_HEADER = `Basic ${Buffer.from(`alice:${SECRET}`).toString("base64")}`;
export const IDENTITY: RegistryCredential = { kind: "identity-token", token: new Secret("identity-canary") };

export const BLOB = Buffer.from("0123456789".repeat(50_000));
export const LAYER: Descriptor = { mediaType: MEDIA_TYPES.ociLayer, digest: digestOf(BLOB), size: BLOB.length };
export const MANIFEST = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    config: { ...LAYER, mediaType: MEDIA_TYPES.ociConfig },
    layers: [LAYER],
  }),
);

/** Returns what a registry without quirks answers for the image of these tests. */
export function honest({ path }: Pick<SimulatedRequest, "path">): SimulatedAnswer {
  if (path === "/v2/") return { body: "{}" };
  if (path.includes("/manifests/")) {
    const digest = digestOf(MANIFEST);
    const length = String(MANIFEST.length);
    const headers = {
      "content-type": MEDIA_TYPES.ociManifest,
      "docker-content-digest": digest,
      "content-length": length,
    };
    return { headers, body: MANIFEST };
  }
  if (path.endsWith(`/blobs/${LAYER.digest}`))
    return { headers: { "content-length": String(BLOB.length) }, body: BLOB };
  return { status: 404, body: '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}' };
}

/** Returns a host that asks for the token `t0ken` of the service at `realm`, then answers as `then` does. */
export function asking(realm: string, then: SimulatedHost = honest): SimulatedHost {
  return (request) => {
    if (request.headers.authorization === "Bearer t0ken") return then(request);
    const challenge = `Bearer realm="${realm}",service="reg",scope="repository:team/app:pull"`;
    return { status: 401, headers: { "www-authenticate": challenge } };
  };
}

export interface Met {
  readonly repository: Repository;
  readonly transport: Transport;
  readonly requests: RequestTrace[];
}

export interface MeetOptions extends TransportOptions {
  readonly credential?: RegistryCredential | undefined;
  readonly hosts?: Hosts;
}

/** Opens the repository of an image through the simulator. The transport is the caller's to dispose of. */
export function meet(simulator: RegistrySimulator, image: string, options: MeetOptions = {}): Met {
  const { credential, hosts, ...rest } = options;
  const { proxyUrl: proxy, ca } = simulator;
  const transport = createTransport({ ca: [ca], proxies: { http: proxy, https: proxy, noProxy: [] }, ...rest });
  const requests: RequestTrace[] = [];
  const client = createRegistryClient({ transport, ...(hosts === undefined ? {} : { hosts }) });
  const reference = parseReference(image);
  const repository = client.openRepository({ reference, credential, onRequest: (request) => requests.push(request) });
  return { repository, transport, requests };
}

/** Returns the whole layer, as the registry sends it. */
export async function fetchLayer(repository: Repository, offset = 0): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.fetchBlob(LAYER, offset)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Returns an endpoint as a configuration file would make it. */
export function endpoint(base: string, rest: Partial<Endpoint> = {}): Endpoint {
  const capabilities = new Set(["resolve", "pull"] as const);
  return {
    base: new URL(base),
    repository: "team/app",
    allowsPlainHttp: false,
    isOrigin: false,
    capabilities,
    ...rest,
  };
}
