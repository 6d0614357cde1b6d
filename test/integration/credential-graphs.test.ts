import assert from "node:assert/strict";
import { describe, test } from "node:test";

import * as fc from "fast-check";

import { Secret } from "../../src/base/secret.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { MEDIA_TYPES } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import type { RegistryCredential } from "../../src/registry/credential.ts";
import { pushBlob } from "../../src/registry/push.ts";
import { createRegistryClient } from "../../src/registry/registry-client.ts";
import { createTransport, type Transport } from "../../src/registry/transport.ts";
import {
  openRegistrySimulator,
  type SimulatedAnswer,
  type SimulatedHost,
  type SimulatedRequest,
} from "../../src/testing/registry-simulator.ts";
import { BLOB, endpoint, honest, LAYER } from "./registry-fixture.ts";

/** The registry, its own token service, and three strangers of which the first is configured as a mirror. */
const ORIGIN = "registry.one.test";
const MIRROR = "mirror.two.test";
const HOSTS = [ORIGIN, "auth.one.test", MIRROR, "storage.three.test", "evil.four.test"] as const;

/** Whose secret may be seen where: a host, and the token services of its own domain. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  "origin-canary": [ORIGIN, "auth.one.test"],
  "mirror-canary": [MIRROR],
  // A token is for the registry that it was got for, and for nobody else, the service that made it included.
  "token-of-origin-canary": [ORIGIN],
  "token-of-mirror-canary": [MIRROR],
};

/** What a host does with a request, chosen anew for each kind of it. */
type Deed =
  | { readonly kind: "serve" }
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: number | undefined; readonly scheme: string }
  | { readonly kind: "redirect"; readonly to: number | undefined; readonly status: number; readonly scheme: string }
  | { readonly kind: "bare-401" }
  | { readonly kind: "missing" };

/** One of the hosts, or the one that says it. */
const HOST_INDEX = fc.option(fc.integer({ min: 0, max: HOSTS.length - 1 }), { nil: undefined, freq: 2 });
const SCHEME = fc.constantFrom("https", "https", "https", "http");
const DEED: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant("serve" as const) }),
  fc.record({ kind: fc.constant("basic" as const) }),
  fc.record({ kind: fc.constant("bearer" as const), realm: HOST_INDEX, scheme: SCHEME }),
  fc.record({
    kind: fc.constant("redirect" as const),
    to: HOST_INDEX,
    status: fc.constantFrom(301, 302, 303, 307, 308),
    scheme: SCHEME,
  }),
  fc.record({ kind: fc.constant("bare-401" as const) }),
  fc.record({ kind: fc.constant("missing" as const) }),
);
/** Token services mostly do their work, or few graphs would lead further. */
const TOKEN_DEED = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Deed>({ kind: "serve" }) },
  { weight: 1, arbitrary: DEED },
);
/** Per host: what it does without a credential, with one, at its token service, and with an upload. */
const HOST_PLAN = fc.record({ bare: DEED, authorized: DEED, token: TOKEN_DEED, upload: DEED });
const GRAPH = fc.record({
  plans: fc.tuple(HOST_PLAN, HOST_PLAN, HOST_PLAN, HOST_PLAN, HOST_PLAN),
  mirror: fc.constantFrom("none", "with credential", "with credential", "without credential"),
  kind: fc.constantFrom("basic", "identity-token", "registry-token"),
});
type HostPlan = { readonly bare: Deed; readonly authorized: Deed; readonly token: Deed; readonly upload: Deed };

const SEED = Number(process.env["BERTH_TEST_SEED"] ?? 20_301_101);
const WORLDS = 5;
const RUNS = Number(process.env["BERTH_TEST_GRAPHS"] ?? 200);

describe("graphs of redirects, token services and mirrors", () => {
  test(`no credential is seen by a host that it is not for (seed ${SEED})`, async () => {
    const known = new Set<string>();
    // Much of the time goes by in waiting before another try.
    await Promise.all(Array.from({ length: WORLDS }, async (_, index) => await explore(SEED + index, known)));
    // The graphs lead somewhere: every secret came home, or the test would prove nothing.
    assert.deepEqual([...known].sort(), [
      "mirror-canary at mirror.two.test",
      "origin-canary at auth.one.test",
      "origin-canary at registry.one.test",
      "token-of-mirror-canary at mirror.two.test",
      "token-of-origin-canary at registry.one.test",
    ]);
  });
});

type Graph = typeof GRAPH extends fc.Arbitrary<infer Value> ? Value : never;

/** Plays graphs in a world of its own; adds to `known` which secret was seen where. */
async function explore(seed: number, known: Set<string>): Promise<void> {
  await using simulator = await openRegistrySimulator(HOSTS);
  const { proxyUrl: proxy, ca } = simulator;
  await using transport = createTransport({ ca: [ca], proxies: { http: proxy, https: proxy, noProxy: [] } });
  const check = async ({ plans, mirror, kind }: Graph) => {
    simulator.play(Object.fromEntries(HOSTS.map((host, index) => [host, playing(plans[index])])));
    await useEverything(transport, { mirror, kind });
    for (const request of simulator.seen) checkRequest(request, known);
  };
  await fc.assert(fc.asyncProperty(GRAPH, check), { seed, numRuns: RUNS / WORLDS, endOnFailure: true });
}

/** Whether any of it succeeds is not the point. */
async function useEverything(transport: Transport, { mirror, kind }: Pick<Graph, "mirror" | "kind">) {
  const hosts = () =>
    Promise.resolve([...(mirror === "none" ? [] : [mirrorOf(kind, mirror !== "without credential")]), origin()]);
  const client = createRegistryClient({ transport, hosts });
  const access = { reference: parseReference(`${ORIGIN}/team/app:1`), credential: credentialOf("origin-canary", kind) };
  const repository = client.openRepository(access);
  await repository.resolve().catch(() => {});
  await repository.fetchManifest({ ...LAYER, mediaType: MEDIA_TYPES.ociManifest }).catch(() => {});
  await drain(repository.fetchBlob({ ...LAYER, size: 1 }, 0)).catch(() => {});
  await pushBlob(client, access, { ...LAYER, digest: OTHER }, () => one(BLOB)).catch(() => {});
}

const OTHER = `sha256:${"0".repeat(64)}` as Digest;

function origin() {
  const capabilities = new Set(["resolve", "pull", "push"] as const);
  return endpoint(`https://${ORIGIN}/v2`, { isOrigin: true, capabilities });
}

function mirrorOf(kind: string, hasCredential: boolean) {
  const credential = hasCredential ? credentialOf("mirror-canary", kind) : undefined;
  return endpoint(`https://${MIRROR}/v2`, { credential, headers: { "x-key": "mirror-canary" } });
}

function credentialOf(secret: string, kind: string): RegistryCredential {
  if (kind === "basic") return { kind, username: "alice", password: new Secret(secret) };
  return { kind: kind === "identity-token" ? kind : "registry-token", token: new Secret(secret) };
}

function playing(plan: HostPlan | undefined): SimulatedHost {
  return (request) => {
    if (plan === undefined) return { status: 500 };
    if (request.path === "/token") return plan.token.kind === "serve" ? minted(request) : answerOf(plan.token, request);
    if (request.method !== "GET" && request.method !== "HEAD") return answerOf(plan.upload, request);
    return answerOf(request.headers.authorization === undefined ? plan.bare : plan.authorized, request);
  };
}

/** A token that tells whose secret it was got with. */
function minted(request: SimulatedRequest): SimulatedAnswer {
  const owner = ["origin", "mirror"].find((name) => secretsIn(request).includes(`${name}-canary`));
  return { body: JSON.stringify({ token: owner === undefined ? "anonymous" : `token-of-${owner}-canary` }) };
}

function answerOf(deed: Deed, request: SimulatedRequest): SimulatedAnswer {
  switch (deed.kind) {
    case "serve":
      return request.method === "POST" || request.method === "PUT"
        ? { status: request.method === "PUT" ? 201 : 202, headers: { location: "/v2/team/app/blobs/uploads/1" } }
        : honest(request);
    case "basic":
      return { status: 401, headers: { "www-authenticate": 'Basic realm="x"' } };
    case "bearer": {
      const realm = `${deed.scheme}://${hostAt(deed.realm, request)}/token`;
      return {
        status: 401,
        headers: { "www-authenticate": `Bearer realm="${realm}",scope="repository:team/app:pull"` },
      };
    }
    case "redirect": {
      const isUpload = request.method === "POST" && request.path.endsWith("/uploads/");
      const location = `${deed.scheme}://u:p@${hostAt(deed.to, request)}${request.path}`;
      return { status: isUpload ? 202 : deed.status, headers: { location } };
    }
    case "bare-401":
      return { status: 401 };
    default:
      return { status: 404 };
  }
}

function hostAt(index: number | undefined, { host }: SimulatedRequest): string {
  return index === undefined ? host : (HOSTS[index] ?? host);
}

function checkRequest(request: SimulatedRequest, known: Set<string>): void {
  for (const secret of secretsIn(request)) {
    const isHome = request.scheme === "https" && HOMES[secret]?.includes(request.host) === true;
    assert.ok(isHome, `${request.scheme}://${request.host}${request.path} saw ${secret}`);
    known.add(`${secret} at ${request.host}`);
  }
}

/** The secrets in a request: in headers, address and body, plain or in base64. */
function secretsIn({ headers, path, query, body }: SimulatedRequest): string[] {
  const values = [...Object.values(headers).flat(), path, query.toString(), body.toString("latin1")].map(String);
  const decoded = values
    .flatMap((value) => value.split(/[\s,;=&]+/))
    .map((part) => Buffer.from(part, "base64").toString("latin1"));
  const text = [...values, ...decoded].join("\n");
  const tokens = ["token-of-origin-canary", "token-of-mirror-canary"].filter((token) => text.includes(token));
  const rest = text.replaceAll(/token-of-(?:origin|mirror)-canary/g, "");
  return [...tokens, ...["origin-canary", "mirror-canary"].filter((secret) => rest.includes(secret))];
}

async function drain(blob: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of blob) if (chunk.length < 0) return;
}

async function* one(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
